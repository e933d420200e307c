import { z } from 'zod';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Scope } from '../../../contracts/identifiers.ts';
import { periodBounds } from '../../../contracts/time/period-bounds.ts';
import type { RehearsalPlan } from '../../../contracts/runs/rehearsal.ts';
import { Rehearsal } from '../../../contracts/runs/rehearsal.ts';
import { Run } from '../../../contracts/runs/run.ts';
import { authorizeAny, enter } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import {
  EnvironmentPage,
  EnvironmentQuery,
  IdParams,
  ModelParams,
  pageSchemaOf,
  problems,
  ProjectHeaders,
  StartHeaders,
} from '../../request-shapes.ts';
import { idempotencyOf, wakeLifecycle } from '../../submission.ts';

const tags = ['rehearsals'];
const Plan = z.strictObject({
  from: z.string().max(40),
  to: z.string().max(40),
  every: z.enum(['day', 'week', 'month']),
});

export function rehearsalRoutes(app: Api, context: RouteContext): void {
  const { rehearsals, runs } = context.repositories;

  app.post(
    '/v1/models/:model/rehearsals',
    {
      schema: {
        tags,
        summary: 'Rehearse the policy on past data, in a new environment with a virtual clock',
        headers: StartHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        body: Plan,
        response: { 202: z.object({ run: Run, rehearsal: Rehearsal }), ...problems },
      },
    },
    async (request, reply) => {
      const { scope: source, principal } = await enter(context, request);
      const { plan, metric } = await planFrom(context, source, request.body);
      const { rehearsal, scope } = await rehearsals.create(source, plan, metric, principal.id, idempotencyOf(request));
      await wakeLifecycle(context, scope);
      return reply.code(202).send({ run: await runs.get(rehearsal.runId), rehearsal });
    },
  );

  app.get(
    '/v1/models/:model/rehearsals',
    {
      schema: {
        tags,
        summary: 'List rehearsals, newest first',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentPage,
        response: { 200: pageSchemaOf(Rehearsal), ...problems },
      },
    },
    async (request) => {
      const { scope, principal } = await enter(context, request);
      return rehearsals.list(principal, scope.modelId, request.query);
    },
  );

  app.get(
    '/v1/rehearsals/:id',
    {
      schema: {
        tags,
        summary: 'Get a rehearsal with its report, period by period',
        params: IdParams,
        response: { 200: Rehearsal, ...problems },
      },
    },
    async (request) => {
      const rehearsal = await rehearsals.get(request.params.id);
      const { project, model, plan } = rehearsal;
      // A role on the source environment is enough to see its rehearsal.
      authorizeAny(context, request, [rehearsal, { project, model, environment: plan.sourceEnvironment }]);
      return rehearsal;
    },
  );
}

async function planFrom(
  { repositories }: RouteContext,
  source: Scope,
  asked: z.infer<typeof Plan>,
): Promise<{ readonly plan: RehearsalPlan; readonly metric: string }> {
  const { id: configurationId, configuration } = await repositories.models.currentConfiguration(source);
  const { datasetVersionId, codeVersionId } = await repositories.models.heads(source);
  const where = `${source.model} in ${source.environment}`;
  if (datasetVersionId === null)
    throw new PerennialError(
      'no-data',
      `${where} has no dataset to rehearse on; ingest one first with \`perennial data ingest\``,
      {
        model: source.model,
      },
    );
  if (codeVersionId === null)
    throw new PerennialError(
      'no-code',
      `${where} has no code version; record one first with \`perennial code snapshot\``,
      { model: source.model },
    );
  if (configuration.data.key === undefined || configuration.data.timestamp === undefined) {
    throw new PerennialError(
      'invalid-configuration',
      `a rehearsal needs data.key and data.timestamp in the configuration of ${source.model}: rows are served in the order of their timestamps, and labelled by their keys`,
      { pointer: '/data' },
    );
  }
  const bounds = periodBounds(asked, configuration.data.timezone);
  return {
    plan: {
      schemaVersion: 1,
      ...bounds,
      every: asked.every,
      datasetVersionId,
      codeVersionId,
      configurationId,
      sourceEnvironment: source.environment,
    },
    metric: configuration.build.metric,
  };
}
