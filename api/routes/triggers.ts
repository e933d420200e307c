import { z } from 'zod';
import { TriggerKind } from '../../contracts/trigger.ts';
import { enter } from '../access.ts';
import type { Api, RouteContext } from '../dependencies.ts';
import { AcceptedCommand, EnvironmentQuery, ModelParams, problems, StartHeaders } from '../request-shapes.ts';
import { submitCommand } from '../submission.ts';

const TriggerRequest = z.strictObject({ kind: TriggerKind, reason: z.string().max(1000).default('') });

export function triggerRoutes(app: Api, context: RouteContext): void {
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
      const { scope } = await enter(context, request, 'operator');
      const { kind, reason } = request.body;
      // Each request is a trigger of its own; it is the Idempotency-Key that makes two of them one.
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
