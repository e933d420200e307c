import { z } from 'zod';
import type { Generation as Row } from '../../../contracts/serving/deployment.ts';
import { Generation } from '../../../contracts/serving/deployment.ts';
import type { Scope } from '../../../contracts/identifiers.ts';
import { Id, Instant, InstantInput } from '../../../contracts/identifiers.ts';
import type { ChainProblem } from '../../../contracts/ledger/ledger-chain.ts';
import { ChainPoint } from '../../../contracts/ledger/ledger-chain.ts';
import { Release } from '../../../contracts/serving/release.ts';
import { enter } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { EnvironmentQuery, ModelParams, problems, ProjectHeaders } from '../../request-shapes.ts';

/** Whether the ledger confirms the answer. */
const Proof = z.discriminatedUnion('verified', [
  z.object({
    verified: z.literal(true),
    /** The last ledger entry up to the instant. */
    head: ChainPoint.nullable(),
    /** When the newest signed copy was signed, if it covers that entry; null if the entry is newer than every copy. */
    signedAt: Instant.nullable(),
  }),
  z.object({ verified: z.literal(false), reason: z.string() }),
]);

const Served = z.object({
  at: Instant,
  /** What was decided; null before the first deployment. */
  decided: Generation.extend({
    decidedBy: z.object({ id: Id, name: z.string() }),
    releases: z.array(Release),
  }).nullable(),
  proof: Proof,
  observed: z.array(z.object({ gatewayId: Id, generation: z.number().int(), since: Instant })).readonly(),
});

export function servedRoutes(app: Api, context: RouteContext): void {
  app.get(
    '/v1/models/:model/served',
    {
      schema: {
        tags: ['deployments'],
        summary: 'Get what served at an instant: what was decided, and what the gateways had loaded',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery.extend({ at: InstantInput.optional() }),
        response: { 200: Served, ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      const { at, mismatch, decided, observed } = await context.repositories.deployments.servedAt(
        scope,
        request.query.at ?? context.clock.now(),
      );
      const proof = await proofUpTo(context, scope, at, mismatch);
      return { at, decided: decided && (await explained(context, decided)), proof, observed };
    },
  );
}

/**
 * Verifies the ledger up to an instant. A problem in later entries does not invalidate entries that were recorded and
 * signed before them.
 */
async function proofUpTo(
  { repositories, ledgerProof, clock }: RouteContext,
  { project, model, modelId, environment }: Scope,
  at: string,
  mismatch: string | null,
): Promise<z.infer<typeof Proof>> {
  if (mismatch !== null) return { verified: false, reason: mismatch };
  // The ledger uses the wall clock, so an instant of a virtual clock has no position in it, and the current state is
  // verified instead.
  const { clock: kind } = await repositories.environments.get(project, environment);
  const until = kind === 'virtual' ? clock.now() : at;
  const head = (await repositories.ledger.pointAt(modelId, until)) ?? null;
  const verdict = await ledgerProof.verify({ project, model, modelId });
  const { problem } = verdict;
  const bearsOut = problem === null || (head !== null && problem.sequence > head.sequence && isChain(problem));
  if (!bearsOut) return { verified: false, reason: problem.what };
  const covered = verdict.signed !== null && head !== null && verdict.signed.sequence >= head.sequence;
  return { verified: true, head, signedAt: covered ? (verdict.signed?.signedAt ?? null) : null };
}

/**
 * Returns whether the problem is in the chain. Otherwise a signed copy is wrong, and it is unknown which entries that
 * copy covered.
 */
function isChain({ kind }: ChainProblem): boolean {
  return kind !== 'copy-forged' && kind !== 'copy-missing';
}

async function explained({ repositories }: RouteContext, generation: Row) {
  const [{ id, name }, releases] = await Promise.all([
    repositories.principals.get(generation.recordedBy),
    Promise.all(generation.slots.map((slot) => repositories.deployments.release(slot.releaseId))),
  ]);
  return { ...generation, decidedBy: { id, name }, releases };
}
