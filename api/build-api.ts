import fastify from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { createAuthentication } from './access/authentication.ts';
import type { Api, RouteContext } from './route-context.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import { startDispatcher } from './keeping/dispatcher.ts';
import { createLifecycleKeeper } from './keeping/lifecycle-keeper.ts';
import { createApiMetrics } from './api-metrics.ts';
import { registerOpenApi } from './openapi/openapi.ts';
import { perennialErrorOf } from './problem.ts';
import { createRecentPredictions } from './answers/recent-predictions.ts';
import { registerRoutes } from './routes/index.ts';
import { answerProblem, answerProblems, observeRequests, refuseUnknownRoutes, requireAccess } from './server-hooks.ts';
import { createScheduleKeeper } from './keeping/schedule-keeper.ts';
import { version } from './version.ts';

const jsonLimitBytes = 1024 ** 2;
const requestTimeoutMs = 2 * 60 * 60_000;

/**
 * Builds the API, not yet listening. While the API runs, it wakes lifecycles whose commands wait for Temporal. When it
 * closes, open streams end.
 */
export async function buildApi(dependencies: ApiDependencies): Promise<Api> {
  const { repositories, ids, logger } = dependencies;
  const authentication = createAuthentication(repositories.principals, dependencies.clock);
  const closing = new AbortController();
  const app: Api = fastify({
    bodyLimit: jsonLimitBytes,
    genReqId: () => ids.next(),
    requestTimeout: requestTimeoutMs,
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    // Hooks do not run for a path that cannot be decoded, so it is authenticated here: without a key, the caller must
    // not learn more than elsewhere.
    frameworkErrors: (error, request, reply) => {
      authentication.authenticate(request, reply).then(
        () => answerProblem(reply, perennialErrorOf(error), request.id),
        (refused: unknown) => answerProblem(reply, perennialErrorOf(refused), request.id),
      );
    },
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  acceptEmptyBodies(app);

  const metrics = createApiMetrics(dependencies);
  observeRequests(app, logger, metrics);
  app.addHook('onRequest', (request, reply) => authentication.authenticate(request, reply));
  refuseUnknownRoutes(app);
  requireAccess(app);
  answerProblems(app, logger);

  const schedules = createScheduleKeeper(dependencies);
  const lifecycles = createLifecycleKeeper(dependencies);
  const context: RouteContext = {
    ...dependencies,
    signedIn: authentication.signedIn,
    signedInStill: authentication.signedInStill,
    schedules,
    recentPredictions:
      dependencies.gateways === undefined
        ? async () => undefined
        : createRecentPredictions({ ...dependencies, gateways: dependencies.gateways }),
    closing: closing.signal,
  };
  await registerOpenApi(app, version);
  await app.register(async (scope: Api) => registerRoutes(scope, context, metrics));

  app.addHook('onReady', async () => {
    const dispatcher = startDispatcher(dependencies, dependencies.dispatchEveryMs ?? 2_000, async () => {
      await schedules.catchUp();
      await lifecycles.catchUp();
    });
    closing.signal.addEventListener('abort', () => void dispatcher.stop());
  });
  app.addHook('preClose', async () => closing.abort());
  // Fastify closes only idle connections, so a connection with an active request would otherwise stay open after its
  // answer.
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing.signal.aborted) void reply.header('connection', 'close');
    done(null, payload);
  });
  return app;
}

/** Accepts an empty body for requests whose fields are all optional, even if the client sends a JSON Content-Type. */
function acceptEmptyBodies(app: Api): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parseJson(request, body.toString(), done);
  });
  app.addHook('preValidation', async (request) => {
    if (request.routeOptions.schema?.body !== undefined) request.body ??= {};
  });
}
