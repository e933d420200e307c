import { z } from 'zod';
import { parseConfiguration, parseConfigurationFile } from '../../../contracts/configuration/configuration-file.ts';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Scope } from '../../../contracts/identifiers.ts';
import { Id, Name, PageRequest } from '../../../contracts/identifiers.ts';
import { ConfigurationVersion, Model, ModelEnvironment } from '../../../contracts/models/model.ts';
import { canonicalCron } from '../../../contracts/time/cron.ts';
import type { StoredSchedule } from '../../../contracts/runs/schedule.ts';
import { Schedule } from '../../../contracts/runs/schedule.ts';
import { authorize, authorizeWithin, enter } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { EnvironmentQuery, ModelParams, pageSchemaOf, problems, ProjectHeaders } from '../../request-shapes.ts';
import { shownSchedule } from '../../answers/shown-schedule.ts';
import { wakeLifecycle } from '../../submission.ts';
import { archiveRoutes } from './archive-routes.ts';

const Applied = z.object({
  model: Model,
  environment: Name,
  configuration: ConfigurationVersion,
  changed: z.boolean(),
  schedule: Schedule.nullable().describe(
    'The schedule from retrain.schedule with its next firings; null if none was set',
  ),
});
const ModelView = z.object({
  model: Model,
  environment: ModelEnvironment,
  configuration: ConfigurationVersion.nullable(),
});

const tags = ['models'];
/** Name of the schedule that is made from `retrain.schedule`. */
const retrainSchedule = 'retrain';

export function modelRoutes(app: Api, context: RouteContext): void {
  const { models } = context.repositories;

  app.get(
    '/v1/models',
    {
      schema: {
        tags,
        summary: 'List models',
        headers: ProjectHeaders,
        querystring: PageRequest.extend({ archived: z.stringbool().default(false) }),
        response: { 200: pageSchemaOf(Model), ...problems },
      },
    },
    async (request) => {
      const project = request.headers['perennial-project'];
      const principal = authorizeWithin(context, request, { project });
      const { archived, ...asked } = request.query;
      return models.list(principal, project, asked, archived);
    },
  );

  app.get(
    '/v1/models/:model',
    {
      schema: {
        tags,
        summary: 'Get a model, its heads and its configuration',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        response: { 200: ModelView, ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      const [model, environment] = await Promise.all([models.get(scope.project, scope.model), models.heads(scope)]);
      return {
        model,
        environment,
        configuration:
          environment.configurationId === null ? null : await models.configuration(environment.configurationId),
      };
    },
  );

  archiveRoutes(app, context);

  void app.register(async (files: Api) => {
    files.addContentTypeParser(
      ['application/yaml', 'application/x-yaml', 'text/yaml'],
      { parseAs: 'string' },
      (_request, body, done) => done(null, body),
    );
    files.put(
      '/v1/models/:model',
      {
        schema: {
          tags,
          summary: 'Apply perennial.yaml, as YAML or as JSON',
          headers: ProjectHeaders,
          params: ModelParams,
          querystring: z.strictObject({
            environment: Name.optional(),
            codeRun: Id.optional().describe(
              'Id of a run that staged code. Its code becomes the code of the environment together with the configuration',
            ),
          }),
          response: { 200: Applied, ...problems },
        },
      },
      async (request) => {
        const configuration = configurationIn(request.body, request.params.model);
        const project = request.headers['perennial-project'];
        const environment = request.query.environment ?? configuration.deploy.environment;
        const principal = authorize(context, request, { project, model: configuration.name, environment });
        const { codeRun } = request.query;
        const applied = await models.apply(project, environment, configuration, principal.id, codeRun);
        const schedule = await applyRetrainSchedule(context, applied.scope, configuration, principal.id);
        await wakeLifecycle(context, applied.scope);
        return {
          model: await models.get(project, configuration.name),
          environment,
          configuration: applied.configuration,
          changed: applied.changed,
          schedule: schedule && shownSchedule(schedule, context.clock.now()),
        };
      },
    );
  });
}

/** Parses the configuration in a body. Throws if its name is not the model that the request names. */
export function configurationIn(body: unknown, name: string): Configuration {
  const configuration = typeof body === 'string' ? parseConfigurationFile(body) : parseConfiguration(body);
  if (configuration.name !== name)
    throw new PerennialError(
      'invalid-configuration',
      `the configuration names the model "${configuration.name}", but was sent to the model "${name}"; use the same name in both`,
      { pointer: '/name' },
    );
  if (configuration.retrain.schedule !== undefined) canonicalCron(configuration.retrain.schedule, '/retrain/schedule');
  return configuration;
}

/**
 * Sets the retrain schedule that the configuration wants. An environment with a virtual clock gets none, because a
 * Temporal Schedule fires by the wall clock.
 */
async function applyRetrainSchedule(
  { repositories, schedules }: RouteContext,
  scope: Scope,
  { retrain, data }: Configuration,
  by: string,
): Promise<StoredSchedule | null> {
  const { clock } = await repositories.environments.get(scope.project, scope.environment);
  if (clock === 'virtual') return null;
  if (retrain.schedule === undefined) {
    await schedules.remove(scope, retrainSchedule, by);
    return null;
  }
  const cron = canonicalCron(retrain.schedule, '/retrain/schedule');
  // A paused schedule stays paused when a configuration is applied.
  const known = (await repositories.schedules.list(scope)).find(({ name }) => name === retrainSchedule);
  const wanted = { cron, timezone: data.timezone, paused: known?.paused ?? false, overlap: 'skip' } as const;
  return schedules.put(scope, retrainSchedule, wanted, by);
}
