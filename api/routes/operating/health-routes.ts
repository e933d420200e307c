import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { Isolation, LiveWorker } from '../../../contracts/runs/isolation.ts';
import type { WorkerRepository } from '../../../ports/repositories/worker-repository.ts';
import { authorize } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import type { ApiMetrics } from '../../api-metrics.ts';
import { answersAs, problems } from '../../request-shapes.ts';
import { version } from '../../version.ts';

const checkLimitMs = 3_000;

const State = z.enum(['up', 'down']);
const Readiness = z.object({
  status: z.enum(['ready', 'unready']),
  dependencies: z.object({ database: State, objectStore: State, temporal: State }),
  /** `well`, or a description of the problem with the disk of the API's state folder. */
  disk: z.string(),
  /** The weakest sandbox among the live workers; `unknown` if there are none. */
  sandbox: z.enum([...Isolation.shape.kind.options, 'unknown']),
});
const System = z.object({
  version: z.string(),
  addresses: z.object({ gateway: z.string().optional(), temporalUi: z.string().optional() }),
  workers: z.array(LiveWorker),
});

const tags = ['health'];

export function healthRoutes(app: Api, context: RouteContext, metrics: ApiMetrics): void {
  const { repositories, objectStore, workflowClient, diskSpace, addresses } = context;

  app.get(
    '/healthz',
    {
      schema: {
        tags,
        summary: 'Report that the API is running',
        security: [],
        response: { 200: z.object({ status: z.literal('alive') }) },
      },
    },
    () => ({ status: 'alive' as const }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        tags,
        summary: 'Report whether every dependency answers',
        security: [],
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (_request, reply) => {
      const [sandbox, full, database, store, temporal] = await Promise.all([
        weakestSandbox(repositories.workers),
        diskSpace.complaint().catch(() => undefined),
        answers(() => repositories.check()),
        answers(() => objectStore.check()),
        answers(() => workflowClient.check()),
      ]);
      const ready = database === 'up' && store === 'up' && temporal === 'up' && full === undefined;
      return reply.code(ready ? 200 : 503).send({
        status: ready ? 'ready' : 'unready',
        dependencies: { database, objectStore: store, temporal },
        disk: full ?? 'well',
        sandbox,
      });
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        tags,
        summary: 'Get metrics in the Prometheus format',
        response: answersAs('Metrics', { 'text/plain': z.string() }),
      },
    },
    async (request, reply) => {
      authorize(context, request, {});
      return reply
        .type(metrics.contentType)
        .serializer(String)
        .send(await metrics.text());
    },
  );

  app.get(
    '/v1/system',
    {
      schema: {
        tags,
        summary:
          'Get the version, the addresses of the gateway and the Temporal UI, and the live workers with their sandbox',
        response: { 200: System, ...problems },
      },
    },
    async (request) => {
      authorize(context, request, {});
      return { version, addresses, workers: [...(await repositories.workers.live())] };
    },
  );
}

async function weakestSandbox(workers: WorkerRepository): Promise<z.infer<typeof Readiness>['sandbox']> {
  const live = await Promise.race([workers.live(), wait(checkLimitMs, [], { ref: false })]).catch(() => []);
  if (live.length === 0) return 'unknown';
  const kinds = new Set(live.map(({ isolation }) => isolation.kind));
  return (['process-group', 'refused'] as const).find((kind) => kinds.has(kind)) ?? 'bubblewrap';
}

/** Returns only whether a dependency answers, because this route needs no API key and must not reveal more. */
async function answers(check: () => Promise<void>): Promise<'up' | 'down'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'down'>((resolve) => {
    timer = setTimeout(() => resolve('down'), checkLimitMs);
  });
  const checked = Promise.resolve()
    .then(check)
    .then(
      () => 'up' as const,
      () => 'down' as const,
    );
  const state = await Promise.race([checked, late]);
  clearTimeout(timer);
  return state;
}
