import type { FastifyReply } from 'fastify';
import { PerennialError } from '../contracts/errors.ts';
import type { Logger } from '../ports/logger.ts';
import type { Api } from './dependencies.ts';
import type { ApiMetrics } from './metrics.ts';
import { perennialErrorOf, problemOf } from './problem.ts';

/** Every failure, of whatever origin, leaves as a problem document; what the caller cannot help goes to the log. */
export function answerProblems(app: Api, logger: Logger): void {
  app.setErrorHandler((caught, request, reply) => {
    const error = perennialErrorOf(caught);
    const about = { request: request.id, method: request.method, route: request.routeOptions.url };
    if (error.code === 'internal') logger.error({ ...about, err: caught }, 'a request failed unexpectedly');
    else if (error.status === 500 || error.status === 503)
      logger.warn({ ...about, code: error.code, reason: error.message }, 'a request failed');
    answerProblem(reply, error, request.id);
  });
  app.setNotFoundHandler((request, reply) => {
    answerProblem(
      reply,
      new PerennialError(
        'not-found',
        `there is no ${request.method} ${request.url.split('?', 1)[0] ?? ''}; /docs lists what there is`,
      ),
      request.id,
    );
  });
}

export function answerProblem(reply: FastifyReply, error: PerennialError, requestId: string): void {
  if (error.retryable) void reply.header('retry-after', '1');
  // Serialised here: a route's own schemas are for its own answers.
  void reply
    .code(error.status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problemOf(error, requestId));
}

/** Times every request, names it in the answer, and logs it. Paths are those of routes, so that they stay few. */
export function observeRequests(app: Api, logger: Logger, metrics: ApiMetrics): void {
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers({ 'request-id': request.id, 'x-content-type-options': 'nosniff' });
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    metrics.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1_000);
    logger.debug(
      {
        request: request.id,
        method: request.method,
        url: request.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'answered',
    );
  });
}
