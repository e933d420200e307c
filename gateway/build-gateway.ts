import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fastify from 'fastify';
import { z } from 'zod';
import { AllowedMethods } from '../contracts/access/allowed-methods.ts';
import { PerennialError, reasonOf } from '../contracts/errors.ts';
import { Name } from '../contracts/identifiers.ts';
import type { Principal } from '../contracts/access/principal.ts';
import type { Logger } from '../ports/logger.ts';
import { allow } from './allow.ts';
import { authenticateNewKey, keyIn } from './key-table.ts';
import type { GatewayServerDependencies } from './gateway-dependencies.ts';
import { healthPaths, gatewayHealthRoutes } from './gateway-health-routes.ts';
import { inferenceRoutes } from './protocols/inference-routes.ts';
import { boundBodies } from './protocols/body-budget.ts';
import { listInHeader } from './protocols/list-in-header.ts';
import {
  acceptJsonBodies,
  bodyLimitBytes,
  bodyTooLarge,
  jsonIn,
  notTaken,
  RawBody,
} from './protocols/request-bodies.ts';
import { refuse } from './protocols/tensor-columns.ts';

const FlushBody = z.object({ project: Name, model: Name, environment: Name });

const staleAfterSeconds = 10;

function isHealth(request: FastifyRequest): boolean {
  return healthPaths.has(request.url);
}

/**
 * Returns the HTTP status of an error. `prediction-invalid` becomes 500, because a failing model is the server's fault.
 */
function statusOf(caught: unknown): number {
  if (caught instanceof PerennialError) return caught.code === 'prediction-invalid' ? 500 : caught.status;
  if (
    caught instanceof Error &&
    'statusCode' in caught &&
    typeof caught.statusCode === 'number' &&
    caught.statusCode < 500
  )
    return [401, 403, 404, 413].includes(caught.statusCode) ? caught.statusCode : 400;
  return 500;
}

/** Converts errors that the HTTP library raises itself into the gateway's own errors. */
function ownError(caught: unknown, request: FastifyRequest): unknown {
  if (!(caught instanceof Error) || !('code' in caught)) return caught;
  if (caught.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return bodyTooLarge();
  if (caught.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return notTaken(request.headers['content-type']);
  return caught;
}

function messageOf(caught: unknown, status: number): string {
  return status === 500 && !(caught instanceof PerennialError)
    ? 'the gateway failed unexpectedly; its log has the reason'
    : reasonOf(caught);
}

function answerError(logger: Logger, caught: unknown, reply: FastifyReply): FastifyReply {
  const status = statusOf(caught);
  if (status >= 500 && status !== 503) logger.error({ err: caught }, 'a request failed');
  if (status === 401) void reply.header('www-authenticate', 'Bearer');
  // The protocol's error body has no field for the code, and the worker needs more detail than the status.
  if (caught instanceof PerennialError) {
    void reply.header('perennial-error', caught.code);
    if (caught.code === 'too-busy') void reply.header('retry-after', '1');
    const { feature } = caught.fields;
    if (typeof feature === 'string') listInHeader(reply, 'perennial-feature', [feature]);
  }
  return reply.code(status).send({ error: messageOf(caught, status) });
}

/** Builds the gateway's HTTP server, not yet listening. Every route except health requires an API key. */
export function buildGateway(deps: GatewayServerDependencies): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: bodyLimitBytes,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    // The error handler is not called for a path that the router cannot decode.
    frameworkErrors: (caught, _request, reply) => void answerError(deps.logger, caught, reply),
  });
  acceptJsonBodies(app);
  boundBodies(app, deps.bodyBudget);
  app.decorateRequest('principal', null);
  // Answers known keys in the same turn of the event loop.
  app.addHook('onRequest', (request, reply, done) => {
    const stale = deps.staleSeconds();
    if (stale > staleAfterSeconds) void reply.header('perennial-stale-seconds', Math.floor(stale));
    if (isHealth(request)) {
      done();
      return;
    }
    const key = keyIn(request.headers.authorization);
    const admit = (principal: Principal): void => {
      request.setDecorator('principal', principal);
      done();
    };
    const known = deps.keys.find(key);
    if (known === undefined) authenticateNewKey(key, deps.keys, deps.lookAgain).then(admit, done);
    else admit(known);
  });
  endKeptConnections(app, deps.leaving);
  app.setErrorHandler((caught, request, reply) => answerError(deps.logger, ownError(caught, request), reply));
  refuseUnknownRoutes(app);
  gatewayHealthRoutes(app, deps);
  inferenceRoutes(app, deps);
  operationRoutes(app, deps);
  app.addHook('onClose', () => deps.bodies.close());
  return app;
}

/**
 * Answers unknown paths with `not-found` and unsupported methods with `method-not-allowed`, before the body is checked,
 * because the rules for bodies differ by method.
 */
function refuseUnknownRoutes(app: FastifyInstance): void {
  const allowed = new AllowedMethods();
  app.addHook('onRoute', (route) => allowed.add(route));
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) {
      done();
      return;
    }
    const [path = ''] = request.url.split('?', 1);
    const methods = allowed.of(path);
    if (methods.length === 0) throw new PerennialError('not-found', `there is no route ${request.method} ${path}`);
    void reply.header('allow', methods.join(', '));
    throw new PerennialError(
      'method-not-allowed',
      `${path} does not support ${request.method}; it supports ${methods.join(', ')}`,
      { methods },
    );
  });
}

/**
 * While the server closes, adds `connection: close` to every answer. Fastify closes only idle connections, so a
 * connection with an active request would otherwise stay open after its answer.
 */
function endKeptConnections(app: FastifyInstance, leaving: AbortSignal): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (leaving.aborted) void reply.header('connection', 'close');
    done(null, payload);
  });
}

function operationRoutes(app: FastifyInstance, deps: GatewayServerDependencies): void {
  app.get('/metrics', async (request, reply) => {
    allow(request, 'viewer', {});
    return reply.header('content-type', deps.metrics.contentType).send(await deps.metrics.text());
  });
  app.post<{ Body: unknown }>('/v1/flush', async (request) => {
    const scope = readFlush(request.body instanceof RawBody ? jsonIn(request.body) : undefined);
    allow(request, 'operator', scope);
    await deps.flush(scope);
    return { flushed: true };
  });
}

function readFlush(body: unknown): { readonly project: string; readonly model: string; readonly environment: string } {
  const parsed = FlushBody.safeParse(body);
  if (!parsed.success)
    throw refuse('the body must be a JSON object with the strings "project", "model" and "environment"');
  return parsed.data;
}
