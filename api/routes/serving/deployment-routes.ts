import { z } from 'zod';
import { Acknowledgement, GatewayLease, Generation } from '../../../contracts/serving/deployment.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Scope } from '../../../contracts/identifiers.ts';
import { Id, Name, Sha256 } from '../../../contracts/identifiers.ts';
import type { Viewer } from '../../../contracts/access/principal.ts';
import { ServingCount, ShadowCount } from '../../../contracts/serving/prediction.ts';
import { Head } from '../../../contracts/pipelines/rollback-runs.ts';
import { releaseToDeploy, versionToDeploy } from '../../answers/releases-to-deploy.ts';
import { enter } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import {
  AcceptedCommand,
  EnvironmentQuery,
  ModelParams,
  problems,
  ProjectHeaders,
  StartedRun,
  StartHeaders,
} from '../../request-shapes.ts';
import { submitCommand, submitRun } from '../../submission.ts';

const tags = ['deployments'];
const historyLength = 20;

const Reason = z.string().min(1).max(1000);
const Deploy = z
  .strictObject({
    version: z.number().int().min(1).optional(),
    /**
     * Digest of a release, instead of a version, to deploy a release from another environment with the same
     * configuration.
     */
    release: Sha256.optional(),
    environment: Name.optional(),
  })
  .refine(({ version, release }) => (version === undefined) !== (release === undefined), {
    message: 'name either version or release',
  });
const Rollback = z.strictObject({
  environment: Name.optional(),
  /** Digest of the target release; the previous release if absent. */
  to: Sha256.optional(),
  /** Heads of data, code and configuration to move back to those of that release, in the same transaction. */
  with: z.array(Head).optional(),
  reason: Reason,
});
const Resume = z.strictObject({ environment: Name.optional(), reason: Reason });

const Deployments = z.object({
  /** The generation that was decided; null before the first deployment. */
  generation: Generation.nullable(),
  /** Why automatic promotion is on hold; null if it is not. */
  hold: z.string().nullable(),
  rolloutRunId: Id.nullable(),
  gateways: z.array(GatewayLease).readonly(),
  /** Ids of the live gateways that have loaded the generation, failed to load it, or not answered yet. */
  acknowledgements: z.object({
    loaded: z.array(Id).readonly(),
    failed: z.array(Acknowledgement).readonly(),
    missing: z.array(Id).readonly(),
  }),
  served: z.array(ServingCount).readonly(),
  /** How the shadow's predictions differ from the champion's, one entry per gateway. */
  shadow: z.array(ShadowCount).readonly(),
  /** Newest first, at most twenty. */
  history: z.array(Generation).readonly(),
});

export function deploymentRoutes(app: Api, context: RouteContext): void {
  app.get(
    '/v1/models/:model/deployments',
    {
      schema: {
        tags,
        summary: 'Get what serves, with which weights, and which gateways have loaded it',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        response: { 200: Deployments, ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      return deploymentsOf(context, scope);
    },
  );

  app.post(
    '/v1/models/:model/deployments',
    {
      schema: {
        tags,
        summary: 'Deploy a version, or a release from another environment',
        headers: StartHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        body: Deploy,
        response: { 202: StartedRun, ...problems },
      },
    },
    async (request, reply) => {
      const { scope, principal } = await enter(context, request, request.body.environment);
      const toDeploy = await whatToDeploy(context, scope, { ...request.body, viewer: principal });
      return reply.code(202).send(
        await submitRun(context, request, scope, {
          kind: 'run',
          schemaVersion: 1,
          request: { kind: 'deploy', schemaVersion: 1, automated: false, ...toDeploy },
        }),
      );
    },
  );

  app.post(
    '/v1/models/:model/rollback',
    {
      schema: {
        tags,
        summary: 'Roll back to the previous release, or to a named one',
        headers: StartHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        body: Rollback,
        response: { 202: StartedRun, ...problems },
      },
    },
    async (request, reply) => {
      const { to, with: heads, reason, environment } = request.body;
      const { scope } = await enter(context, request, environment);
      const toReleaseId =
        to === undefined ? undefined : (await context.repositories.deployments.releaseByDigest(scope.modelId, to)).id;
      return reply.code(202).send(
        await submitRun(context, request, scope, {
          kind: 'run',
          schemaVersion: 1,
          request: { kind: 'rollback', schemaVersion: 1, toReleaseId, with: heads, reason },
        }),
      );
    },
  );

  app.post(
    '/v1/models/:model/resume',
    {
      schema: {
        tags,
        summary: 'End the hold on automatic promotion after a rollback',
        headers: StartHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        body: Resume,
        response: { 202: AcceptedCommand, ...problems },
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request, request.body.environment);
      return reply.code(202).send({
        command: await submitCommand(context, request, scope, {
          kind: 'resume',
          schemaVersion: 1,
          reason: request.body.reason,
        }),
      });
    },
  );
}

async function whatToDeploy(
  context: RouteContext,
  scope: Scope,
  { version, release, viewer }: z.infer<typeof Deploy> & { readonly viewer: Viewer },
) {
  if (release !== undefined) return releaseToDeploy(context, scope, release);
  if (version !== undefined) return versionToDeploy(context, scope, { number: version, viewer });
  throw new PerennialError('invalid-request', 'name either version or release');
}

async function deploymentsOf({ repositories }: RouteContext, scope: Scope): Promise<z.infer<typeof Deployments>> {
  const { deployments, models } = repositories;
  const [generation, heads, gateways, history] = await Promise.all([
    deployments.current(scope),
    models.heads(scope),
    deployments.liveGateways(),
    deployments.history(scope, historyLength),
  ]);
  const seen = generation
    ? await Promise.all([
        deployments.acknowledgements(scope, generation.generation),
        deployments.served(scope, generation.generation),
        deployments.shadowed(scope, generation.generation),
      ])
    : undefined;
  return {
    generation: generation ?? null,
    hold: heads.holdReason,
    rolloutRunId: heads.rolloutRunId,
    gateways,
    acknowledgements: seen?.[0] ?? { loaded: [], failed: [], missing: [] },
    served: seen?.[1] ?? [],
    shadow: seen?.[2] ?? [],
    history,
  };
}
