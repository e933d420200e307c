import type { FastifyInstance } from 'fastify';
import type { GatewayServerDependencies } from './gateway-dependencies.ts';

/** Health routes need no API key. */
export const healthPaths: ReadonlySet<string> = new Set([
  '/v2/health/live',
  '/v2/health/ready',
  '/ping',
  '/health',
  '/healthz',
  '/readyz',
]);

/**
 * Registers the health routes of the Open Inference Protocol and of MLflow, and the more detailed `/healthz` and
 * `/readyz`, which the API has as well.
 */
export function gatewayHealthRoutes(app: FastifyInstance, deps: GatewayServerDependencies): void {
  const ready = () => deps.table.ready && !deps.leaving.aborted;
  app.get('/v2/health/live', async () => ({ live: true }));
  app.get('/v2/health/ready', async (_request, reply) => reply.code(ready() ? 200 : 503).send({ ready: ready() }));
  for (const path of ['/ping', '/health'])
    app.get(path, async (_request, reply) => reply.code(ready() ? 200 : 503).send({ ready: ready() }));
  app.get('/healthz', async () => ({ status: 'alive' }));
  app.get('/readyz', async (_request, reply) =>
    reply.code(ready() ? 200 : 503).send({ status: ready() ? 'ready' : 'unready', problems: problemsOf(deps) }),
  );
}

/** Lists the problems that `/readyz` reports. A full disk is listed, but the gateway stays ready. */
function problemsOf({ leaving, table, writingProblem }: GatewayServerDependencies): string[] {
  const writing = writingProblem();
  return [
    ...(leaving.aborted ? ['the gateway is stopping'] : []),
    ...(table.ready ? [] : ['not all deployed generations are loaded yet']),
    ...(writing === undefined ? [] : [writing]),
  ];
}
