import type { FastifyReply } from 'fastify';
import { AllowedMethods } from '../contracts/access/allowed-methods.ts';
import { PerennialError } from '../contracts/errors.ts';
import type { Logger } from '../ports/logger.ts';
import { isChecked } from './access/authorize.ts';
import { accessOf } from './access/access-table.ts';
import type { Api } from './route-context.ts';
import type { ApiMetrics } from './api-metrics.ts';
import { perennialErrorOf, problemOf } from './problem.ts';

/** Answers every error with a problem document, and logs the errors that are not the caller's fault. */
export function answerProblems(app: Api, logger: Logger): void {
  app.setErrorHandler((caught, request, reply) => {
    const error = perennialErrorOf(caught, request.routeOptions.bodyLimit);
    const about = { request: request.id, method: request.method, route: request.routeOptions.url };
    if (error.code === 'internal') logger.error({ ...about, err: caught }, 'a request failed unexpectedly');
    else if (error.status === 500 || error.status === 503)
      logger.warn({ ...about, code: error.code, reason: error.message }, 'a request failed');
    answerProblem(reply, error, request.id);
  });
}

/**
 * Answers unknown paths with `not-found` and unsupported methods with `method-not-allowed`, before the body is checked,
 * because the rules for bodies differ by method. Call it after the authentication hook is added.
 */
export function refuseUnknownRoutes(app: Api): void {
  const allowed = new AllowedMethods();
  app.addHook('onRoute', (route) => allowed.add(route));
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    const [path = ''] = request.url.split('?', 1);
    const methods = allowed.of(path);
    if (methods.length === 0)
      throw new PerennialError('not-found', `there is no route ${request.method} ${path}; /docs lists all routes`);
    void reply.header('allow', methods.join(', '));
    throw new PerennialError(
      'method-not-allowed',
      `${path} does not support ${request.method}; it supports ${methods.join(', ')}`,
      { methods },
    );
  });
}

/**
 * Prevents the server from starting with a route that `access-table.ts` does not list, and from sending an answer of a
 * route that checked no role.
 */
export function requireAccess(app: Api): void {
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat())
      if (accessOf({ method: one, routeOptions: { url } }) === undefined)
        throw new Error(`api/access/access-table.ts does not say who may ${one} ${url}; add the route there`);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode < 400 && !isChecked(request))
      throw new Error(`${request.method} ${request.routeOptions.url ?? ''} answered without checking the role`);
    return payload;
  });
}

export function answerProblem(reply: FastifyReply, error: PerennialError, requestId: string): void {
  if (error.retryable) void reply.header('retry-after', '1');
  // Serialised here, because a route's response schemas cover only its own answers.
  void reply
    .code(error.status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problemOf(error, requestId));
}

/**
 * Measures and logs every request, and returns its id in a header. Metrics use the paths of routes and not the
 * requested URLs, so that there are few label values.
 */
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
