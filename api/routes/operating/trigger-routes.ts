import { z } from 'zod';
import { buildWaits } from '../../../contracts/models/build-waits.ts';
import { Instant } from '../../../contracts/identifiers.ts';
import { Trigger, TriggerKind } from '../../../contracts/runs/trigger.ts';
import { enter } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import {
  AcceptedCommand,
  EnvironmentPage,
  EnvironmentQuery,
  ModelParams,
  pageSchemaOf,
  problems,
  ProjectHeaders,
  StartHeaders,
} from '../../request-shapes.ts';
import { submitCommand } from '../../submission.ts';

const TriggerRequest = z.strictObject({ kind: TriggerKind, reason: z.string().max(1000).default('') });

const BuildWaits = z.array(
  z.object({ for: z.enum(['debounce', 'cooldown', 'budget', 'build', 'rollback']), until: Instant.nullable() }),
);

export function triggerRoutes(app: Api, context: RouteContext): void {
  const { lifecycle } = context.repositories;

  app.get(
    '/v1/models/:model/triggers',
    {
      schema: {
        tags: ['triggers'],
        summary: 'List triggers with their outcomes, and what the build of the pending triggers waits for',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentPage,
        response: { 200: pageSchemaOf(Trigger).extend({ waits: BuildWaits.readonly() }), ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      const [page, snapshot] = await Promise.all([lifecycle.triggers(scope, request.query), lifecycle.snapshot(scope)]);
      return { ...page, waits: buildWaits(snapshot) };
    },
  );

  app.post(
    '/v1/models/:model/triggers',
    {
      schema: {
        tags: ['triggers'],
        summary: 'Give the lifecycle a reason to build',
        headers: StartHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        body: TriggerRequest,
        response: { 202: AcceptedCommand, ...problems },
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request);
      const { kind, reason } = request.body;
      // Each request is a separate trigger; only a shared Idempotency-Key makes two requests one.
      const command = await submitCommand(context, request, scope, {
        kind: 'trigger',
        schemaVersion: 1,
        trigger: kind,
        reason,
        fingerprint: `request:${context.ids.next()}`,
      });
      return reply.code(202).send({ command });
    },
  );
}
