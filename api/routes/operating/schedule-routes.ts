import { z } from 'zod';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Scope } from '../../../contracts/identifiers.ts';
import { Name } from '../../../contracts/identifiers.ts';
import { Schedule, ScheduleInput } from '../../../contracts/runs/schedule.ts';
import { timeZoneProblem } from '../../../contracts/time/time-zone.ts';
import { enter } from '../../access/authorize.ts';
import { canonicalCron } from '../../../contracts/time/cron.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { EnvironmentQuery, ModelParams, problems, ProjectHeaders } from '../../request-shapes.ts';
import { shownSchedule } from '../../answers/shown-schedule.ts';

const tags = ['schedules'];
const ScheduleParams = ModelParams.extend({ name: Name });

export function scheduleRoutes(app: Api, context: RouteContext): void {
  const { repositories, schedules, clock } = context;

  app.get(
    '/v1/models/:model/schedules',
    {
      schema: {
        tags,
        summary: 'List schedules',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        response: { 200: z.object({ items: z.array(Schedule).readonly() }), ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      const stored = await repositories.schedules.list(scope);
      return { items: stored.map((schedule) => shownSchedule(schedule, clock.now())) };
    },
  );

  app.get(
    '/v1/models/:model/schedules/:name',
    {
      schema: {
        tags,
        summary: 'Get a schedule and its next firings',
        headers: ProjectHeaders,
        params: ScheduleParams,
        querystring: EnvironmentQuery,
        response: { 200: Schedule, ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      return shownSchedule(await repositories.schedules.get(scope, request.params.name), clock.now());
    },
  );

  app.put(
    '/v1/models/:model/schedules/:name',
    {
      schema: {
        tags,
        summary: 'Set a schedule; each firing gives the lifecycle a schedule trigger',
        headers: ProjectHeaders,
        params: ScheduleParams,
        querystring: EnvironmentQuery,
        body: ScheduleInput,
        response: { 200: Schedule, ...problems },
      },
    },
    async (request) => {
      const { scope, principal } = await enter(context, request);
      const cron = canonicalCron(request.body.cron, '/cron');
      checkZone(request.body.timezone);
      await refuseVirtual(context, scope);
      return shownSchedule(
        await schedules.put(scope, request.params.name, { ...request.body, cron }, principal.id),
        clock.now(),
      );
    },
  );

  app.delete(
    '/v1/models/:model/schedules/:name',
    {
      schema: {
        tags,
        summary: 'Remove a schedule',
        headers: ProjectHeaders,
        params: ScheduleParams,
        querystring: EnvironmentQuery,
        response: { 204: z.null(), ...problems },
      },
    },
    async (request, reply) => {
      const { scope, principal } = await enter(context, request);
      await schedules.remove(scope, request.params.name, principal.id);
      return reply.code(204).send(null);
    },
  );
}

function checkZone(zone: string): void {
  const problem = timeZoneProblem(zone);
  if (problem !== undefined) throw new PerennialError('invalid-request', problem, { pointer: '/timezone' });
}

async function refuseVirtual({ repositories }: RouteContext, scope: Scope): Promise<void> {
  const { clock } = await repositories.environments.get(scope.project, scope.environment);
  if (clock === 'virtual')
    throw new PerennialError(
      'conflict',
      `${scope.environment} has a virtual clock, but schedules fire by the wall clock; rehearse the schedule of the source environment instead`,
      { environment: scope.environment },
    );
}
