import { z } from 'zod';
import type { Generation as Row } from '../../contracts/deployment.ts';
import { Generation } from '../../contracts/deployment.ts';
import { Id, Instant, InstantInput } from '../../contracts/identifiers.ts';
import { Release } from '../../contracts/release.ts';
import { enter } from '../access.ts';
import type { Api, RouteContext } from '../dependencies.ts';
import { EnvironmentQuery, ModelParams, problems, ProjectHeaders } from '../request-shapes.ts';

const Served = z.object({
  at: Instant,
  /** Null before the first deployment. */
  decided: Generation.extend({
    decidedBy: z.object({ id: Id, name: z.string() }),
    releases: z.array(Release),
  }).nullable(),
  observed: z.array(z.object({ gatewayId: Id, generation: z.number().int(), since: Instant })).readonly(),
});

export function servedRoutes(app: Api, context: RouteContext): void {
  app.get(
    '/v1/models/:model/served',
    {
      schema: {
        tags: ['deployments'],
        summary: 'What served at an instant, as decided and as the gateways had it',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery.extend({ at: InstantInput.optional() }),
        response: { 200: Served, ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      const { at, decided, observed } = await context.repositories.deployments.servedAt(
        scope,
        request.query.at ?? context.clock.now(),
      );
      return { at, decided: decided && (await explained(context, decided)), observed };
    },
  );
}

async function explained({ repositories }: RouteContext, generation: Row) {
  const [{ id, name }, releases] = await Promise.all([
    repositories.principals.get(generation.recordedBy),
    Promise.all(generation.slots.map((slot) => repositories.deployments.release(slot.releaseId))),
  ]);
  return { ...generation, decidedBy: { id, name }, releases };
}
