import type { FastifyInstance } from 'fastify';
import type { GatewayServerDependencies } from './dependencies.ts';

/** They want no key. */
export const healthPaths: ReadonlySet<string> = new Set(['/v2/health/live', '/v2/health/ready', '/healthz', '/readyz']);

/** The protocol's, and those that the API has too, which say more. */
export function healthRoutes(app: FastifyInstance, deps: GatewayServerDependencies): void {
  const ready = () => deps.table.ready && !deps.leaving.aborted;
  app.get('/v2/health/live', async () => ({ live: true }));
  app.get('/v2/health/ready', async (_request, reply) => reply.code(ready() ? 200 : 503).send({ ready: ready() }));
  app.get('/healthz', async () => ({ status: 'alive' }));
  app.get('/readyz', async (_request, reply) =>
    reply.code(ready() ? 200 : 503).send({ status: ready() ? 'ready' : 'unready', problems: problemsOf(deps) }),
  );
}

/** A full disk is a problem, and leaves ready what is served. */
function problemsOf({ leaving, table, writingProblem }: GatewayServerDependencies): string[] {
  const writing = writingProblem();
  return [
    ...(leaving.aborted ? ['the gateway stops'] : []),
    ...(table.ready ? [] : ['what is deployed is not all loaded yet']),
    ...(writing === undefined ? [] : [writing]),
  ];
}
