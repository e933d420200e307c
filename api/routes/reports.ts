import { z } from 'zod';
import { Duration } from '../../contracts/duration.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { Id, InstantInput } from '../../contracts/identifiers.ts';
import { Finding, Report } from '../../contracts/report.ts';
import { enter } from '../access.ts';
import type { Api, RouteContext } from '../dependencies.ts';
import {
  EnvironmentPage,
  EnvironmentQuery,
  ModelParams,
  pageOf,
  problems,
  ProjectHeaders,
  StartedRun,
  StartHeaders,
} from '../request-shapes.ts';
import { submitRun } from '../submission.ts';

const tags = ['reports'];
const Monitor = z.strictObject({ asOf: InstantInput.optional(), window: Duration.optional() });

export function reportRoutes(app: Api, context: RouteContext): void {
  const { monitoring, environments } = context.repositories;

  app.post(
    '/v1/models/:model/reports',
    {
      schema: {
        tags,
        summary: 'Monitor now',
        headers: StartHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        body: Monitor,
        response: { 202: StartedRun, ...problems },
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request, 'operator');
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
        summary: 'Reports, newest first',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentPage,
        response: { 200: pageOf(Report), ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request, 'viewer');
      return monitoring.reports(scope, request.query);
    },
  );

  app.get(
    '/v1/models/:model/reports/:id',
    {
      schema: {
        tags,
        summary: 'A report',
        headers: ProjectHeaders,
        params: ModelParams.extend({ id: Id }),
        querystring: EnvironmentQuery,
        response: { 200: Report, ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request, 'viewer');
      const report = await monitoring.report(request.params.id);
      if (report.modelId !== scope.modelId || report.environment !== scope.environment)
        throw new PerennialError('not-found', `${scope.model} has no report ${report.id} in ${scope.environment}`, {
          report: report.id,
        });
      return report;
    },
  );

  app.get(
    '/v1/models/:model/findings',
    {
      schema: {
        tags,
        summary: 'Findings that are open',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        response: { 200: z.object({ items: z.array(Finding).readonly() }), ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request, 'viewer');
      return { items: await monitoring.openFindings(scope) };
    },
  );
}
