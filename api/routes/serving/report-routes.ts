import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { Duration } from '../../../contracts/time/duration.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Scope } from '../../../contracts/identifiers.ts';
import { Id, InstantInput } from '../../../contracts/identifiers.ts';
import type { ServedPeriod } from '../../../contracts/runs/rehearsal.ts';
import { Finding, Report } from '../../../contracts/monitoring/report.ts';
import { enter } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import type { ReportDocument } from '../../../pages/report/report-document.ts';
import { reportPage, reportPolicy } from '../../../pages/report/report-page.ts';
import {
  answersAs,
  EnvironmentPage,
  EnvironmentQuery,
  ModelParams,
  pageSchemaOf,
  problems,
  ProjectHeaders,
  StartedRun,
  StartHeaders,
} from '../../request-shapes.ts';
import { submitRun } from '../../submission.ts';

const tags = ['reports'];
const Monitor = z.strictObject({ asOf: InstantInput.optional(), window: Duration.optional() });

export function reportRoutes(app: Api, context: RouteContext): void {
  const { monitoring, environments } = context.repositories;

  app.post(
    '/v1/models/:model/reports',
    {
      schema: {
        tags,
        summary: 'Start a monitoring run now',
        headers: StartHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        body: Monitor,
        response: { 202: StartedRun, ...problems },
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request);
      const asOf = request.body.asOf ?? (await environments.now(scope.project, scope.environment));
      return reply.code(202).send(
        await submitRun(context, request, scope, {
          kind: 'run',
          schemaVersion: 1,
          request: { kind: 'monitor', schemaVersion: 1, asOf, window: request.body.window },
        }),
      );
    },
  );

  app.get(
    '/v1/models/:model/reports',
    {
      schema: {
        tags,
        summary: 'List monitoring reports, newest first',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentPage,
        response: { 200: pageSchemaOf(Report), ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      return monitoring.reports(scope, request.query);
    },
  );

  app.get(
    '/v1/models/:model/reports/:id',
    {
      schema: {
        tags,
        summary: 'Get a monitoring report',
        headers: ProjectHeaders,
        params: ModelParams.extend({ id: Id }),
        querystring: EnvironmentQuery,
        response: { 200: Report, ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      return reportIn(context, scope, request.params.id);
    },
  );

  app.get(
    '/v1/models/:model/reports/:id/page.html',
    {
      schema: {
        tags,
        summary:
          'Get a monitoring report, or the latest one, as one page with plots; browsers may send the key as the password of HTTP Basic',
        headers: ProjectHeaders,
        params: ModelParams.extend({ id: z.union([Id, z.literal('latest')]) }),
        querystring: EnvironmentQuery,
        response: answersAs('The page', { 'text/html': z.string() }),
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request);
      const document = await documentOf(context, scope, request.params.id);
      const nonce = randomBytes(16).toString('base64url');
      return reply
        .header('content-security-policy', `${reportPolicy(nonce)}; frame-ancestors 'none'`)
        .header('referrer-policy', 'no-referrer')
        .header('x-content-type-options', 'nosniff')
        .header('cache-control', 'no-store')
        .type('text/html; charset=utf-8')
        .send(reportPage(document, nonce));
    },
  );

  app.get(
    '/v1/models/:model/findings',
    {
      schema: {
        tags,
        summary: 'List open findings',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        response: { 200: z.object({ items: z.array(Finding).readonly() }), ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      return { items: await monitoring.openFindings(scope) };
    },
  );
}

/** Maximum number of reports and of generations shown over time; older ones are left out. */
const [mostReports, mostGenerations] = [100, 500];

async function documentOf(context: RouteContext, scope: Scope, id: string): Promise<ReportDocument> {
  const { deployments, models, monitoring } = context.repositories;
  const known = (await monitoring.reports(scope, { limit: mostReports })).items;
  const report =
    id === 'latest' ? known[0] : (known.find((some) => some.id === id) ?? (await reportIn(context, scope, id)));
  if (report === undefined)
    throw new PerennialError(
      'not-found',
      `${scope.model} has no report in ${scope.environment} yet; create one with perennial monitor`,
      { model: scope.model },
    );
  const { configuration } = await models.currentConfiguration(scope);
  const before = known.filter((some) => some.id < report.id);
  return {
    report,
    history: [report, ...before].toReversed(),
    generations: (await deployments.history(scope, mostGenerations)).toReversed(),
    served: await servedIn(context, scope, report),
    metric: report.body.metric ?? configuration.monitor.performance?.metric ?? configuration.build.metric,
  };
}

/**
 * Returns what a rehearsal served in the report's period. A rehearsal saves this only after the report, so it may be
 * missing.
 */
async function servedIn(
  { repositories }: RouteContext,
  scope: Scope,
  { body }: z.infer<typeof Report>,
): Promise<ServedPeriod | undefined> {
  const rehearsal = await repositories.rehearsals.inEnvironment(scope);
  return rehearsal?.periods.find(({ from, to }) => from === body.from && to === body.to);
}

async function reportIn(context: RouteContext, scope: Scope, id: Id): Promise<z.infer<typeof Report>> {
  const report = await context.repositories.monitoring.report(id);
  if (report.modelId !== scope.modelId || report.environment !== scope.environment)
    throw new PerennialError('not-found', `${scope.model} has no report ${report.id} in ${scope.environment}`, {
      report: report.id,
    });
  return report;
}
