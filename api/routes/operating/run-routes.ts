import { Readable } from 'node:stream';
import { z } from 'zod';
import { PerennialError } from '../../../contracts/errors.ts';
import { Name, PageRequest } from '../../../contracts/identifiers.ts';
import { isGranted } from '../../../contracts/access/principal.ts';
import { isFinal, LogLine, Run, RunKind, runStates } from '../../../contracts/runs/run.ts';
import type { RoutedRequest } from '../../access/authorize.ts';
import { authorize, authorizeWithin } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import {
  AcceptedCommand,
  answersAs,
  IdParams,
  pageSchemaOf,
  problems,
  ProjectHeaders,
  StartHeaders,
} from '../../request-shapes.ts';
import { runLogEvents } from '../../answers/run-log-events.ts';
import { submitCommand, tryFor } from '../../submission.ts';

const tags = ['runs'];
const Filter = z.strictObject({
  ...PageRequest.shape,
  model: Name.optional(),
  environment: Name.optional(),
  kind: RunKind.optional(),
  state: z.enum(runStates).optional(),
});
const LogQuery = z.strictObject({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(5000).default(1000),
});
const LogHeaders = z.looseObject({
  accept: z.string().optional(),
  'last-event-id': z.coerce.number().int().min(0).optional().catch(undefined),
});
/** `next`: sequence number after which to continue reading. */
const Log = z.object({ items: z.array(LogLine).readonly(), next: z.number().int() });
const Cancel = z.strictObject({ reason: z.string().max(1000).default('') });

export function runRoutes(app: Api, context: RouteContext): void {
  const { runs, models } = context.repositories;

  async function enterRun(
    request: RoutedRequest & { readonly params: { readonly id: string } },
  ): Promise<z.infer<typeof Run>> {
    const run = await runs.get(request.params.id);
    authorize(context, request, run);
    return run;
  }

  app.get(
    '/v1/runs',
    {
      schema: {
        tags,
        summary: 'List runs, newest first',
        headers: ProjectHeaders,
        querystring: Filter,
        response: { 200: pageSchemaOf(Run), ...problems },
      },
    },
    async (request) => {
      const project = request.headers['perennial-project'];
      const { cursor, limit, ...filter } = request.query;
      const { model, environment } = filter;
      const principal = authorizeWithin(context, request, { project, model, environment });
      return runs.list(principal, { project, ...filter }, { cursor, limit });
    },
  );

  app.get(
    '/v1/runs/:id',
    { schema: { tags, summary: 'Get a run with its steps', params: IdParams, response: { 200: Run, ...problems } } },
    (request) => enterRun(request),
  );

  app.get(
    '/v1/runs/:id/logs',
    {
      schema: {
        tags,
        summary: 'Get the log of a run; with Accept: text/event-stream, live as server-sent events',
        params: IdParams,
        querystring: LogQuery,
        headers: LogHeaders,
        response: answersAs('The log', { 'application/json': Log, 'text/event-stream': z.string() }),
      },
    },
    async (request, reply) => {
      const run = await enterRun(request);
      const { id } = run;
      const after = request.headers['last-event-id'] ?? request.query.after;
      if (request.headers.accept?.includes('text/event-stream')) {
        const gone = new AbortController();
        reply.raw.once('close', () => gone.abort());
        const events = Readable.from(
          runLogEvents(runs, id, after, {
            signal: AbortSignal.any([context.closing, gone.signal]),
            maySee: async () => isGranted((await context.signedInStill(request))?.grants ?? [], 'viewer', run),
          }),
        );
        return (
          reply
            // A kept-alive connection would outlast the stream and delay the server's shutdown.
            .headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no', connection: 'close' })
            .type('text/event-stream')
            .send(events)
        );
      }
      const items = await runs.logs(id, after, request.query.limit);
      return reply.type('application/json').send({ items, next: items.at(-1)?.sequence ?? after });
    },
  );

  app.post(
    '/v1/runs/:id/cancel',
    {
      schema: {
        tags,
        summary: 'Cancel a run',
        headers: StartHeaders,
        params: IdParams,
        body: Cancel,
        response: { 202: AcceptedCommand, ...problems },
      },
    },
    async (request, reply) => {
      const run = await enterRun(request);
      // With an idempotency key, the request may repeat an earlier one, whose command is returned.
      if (isFinal(run.state) && request.headers['idempotency-key'] === undefined)
        throw new PerennialError('conflict', `the run ${run.id} has ended (${run.state}); there is nothing to cancel`, {
          run: run.id,
          state: run.state,
        });
      const scope = await models.scopeOf(run.modelId, run.environment);
      const command = await submitCommand(context, request, scope, {
        kind: 'cancel',
        schemaVersion: 1,
        runId: run.id,
        reason: request.body.reason,
      });
      await tryFor(context, 'a run could not be cancelled immediately; its lifecycle will cancel it', () =>
        context.workflowClient.cancel(run.workflowId),
      );
      return reply.code(202).send({ command });
    },
  );
}
