import { eq } from '../connection/orm.ts';
import type { Generation, Slot } from '../../contracts/serving/deployment.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { scopeLabel, shortDigest } from '../../contracts/identifiers.ts';
import type { Release } from '../../contracts/serving/release.ts';
import type { DeploymentRepository } from '../../ports/repositories/deployment-repository.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow, lockScope } from '../connection/repository-context.ts';
import { decidedByRun } from '../runs/decided-by-run.ts';
import {
  championOf,
  generationsOf,
  newestGeneration,
  raiseGeneration,
  readRelease,
  slotFor,
  toGeneration,
} from './generations.ts';
import { written } from '../connection/not-found.ts';
import { proveRun } from '../runs/prove-run.ts';
import { restore } from './rollouts.ts';
import { generations, withdrawals } from './deployment-tables.ts';
import { modelEnvironments } from '../environments/environment-tables.ts';
import { storableText } from '../connection/storable.ts';
import { inScope } from '../connection/in-scope.ts';

type Request = Parameters<DeploymentRepository['rollback']>[1];
type Result = Awaited<ReturnType<DeploymentRepository['rollback']>>;

const lookBack = 1_000;
/** Column of each head. It has the same name in releases and in environments. */
const headColumns = { data: 'datasetVersionId', code: 'codeVersionId', config: 'configurationId' } as const;

/**
 * Makes the target serve alone, withdraws everything else that served, holds automatic promotion and ends rollouts.
 * While a canary is up, the default target is the champion and the canary is withdrawn.
 */
export async function rollBack(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  request: Request,
): Promise<Result> {
  await lockScope(tx, scope, null);
  await proveRun(tx, scope, request.runId, 'rollback');
  const decided = await decidedByRun(tx, scope.modelId, 'rollback.ordered', request.runId);
  if (decided !== undefined) return told(tx, scope, decided);
  const now = await newestGeneration(tx, scope);
  const champion = championOf(now);
  if (now === undefined || champion === undefined) throw nothing(scope, 'nothing serves there');
  const to = await targetOf(tx, scope, now, champion, request.toReleaseId);
  // A shadow has answered no requests, so it is removed but not withdrawn.
  const abandoned = now.slots.filter((slot) => slot.releaseId !== to.id && slot.role !== 'shadow');
  const worst = abandoned.find((slot) => slot.role === 'canary') ?? abandoned[0] ?? champion;
  const from = await readRelease(tx, worst.releaseId);
  const alone = abandoned.length === 0 && now.slots.length === 1;
  const generation = alone ? now : await serveAlone(context, tx, scope, to, request);
  for (const { releaseId } of abandoned) await withdraw(tx, scope, releaseId, request);
  await restore(tx, scope, to);
  await hold(context, tx, scope, { from, to, generation, request });
  await moveHeads(context, tx, scope, to, request);
  return { generation, from, to, changed: !alone };
}

async function told(tx: Transaction, scope: Scope, decided: Readonly<Record<string, unknown>>): Promise<Result> {
  const [generation] = await generationsOf(tx, scope, eq(generations.generation, Number(decided.generation)));
  return {
    generation: toGeneration(written(generation)),
    from: await readRelease(tx, String(decided.fromReleaseId)),
    to: await readRelease(tx, String(decided.toReleaseId)),
    changed: decided.changed === true,
  };
}

function nothing(scope: Scope, why: string): PerennialError {
  return new PerennialError(
    'nothing-to-roll-back',
    `${scopeLabel(scope)} cannot be rolled back: ${why}; \`perennial served\` shows what serves`,
    { model: scope.model, environment: scope.environment },
  );
}

async function targetOf(
  tx: Transaction,
  scope: Scope,
  now: Generation,
  champion: Slot,
  named: Id | undefined,
): Promise<Release> {
  const champions = await championsOf(tx, scope);
  if (named !== undefined) {
    const release = await readRelease(tx, named);
    if (!champions.includes(named))
      throw nothing(
        scope,
        `version ${(await slotFor(tx, release, 'champion', 100)).modelVersionNumber}, release ${shortDigest(release.digest)}, never served there; deploy that version instead`,
      );
    return release;
  }
  if (now.slots.some((slot) => slot.role === 'canary')) return readRelease(tx, champion.releaseId);
  const withdrawn = await withdrawnFrom(tx, scope);
  const before = champions.find((id) => id !== champion.releaseId && !withdrawn.has(id));
  if (before === undefined) throw nothing(scope, 'there is no release before the one that serves');
  return readRelease(tx, before);
}

/**
 * Returns champions, newest first. A promotion that its own run aborted, because no gateway could load it, does not
 * count.
 */
async function championsOf(tx: Transaction, scope: Scope): Promise<readonly Id[]> {
  const rows = (await generationsOf(tx, scope).limit(lookBack)).map(toGeneration);
  const takenBack = new Set(rows.filter((row) => row.change === 'abort').map((row) => row.runId));
  return rows.flatMap((row) => {
    const champion = championOf(row);
    const moved = row.change === 'first' || row.change === 'promote';
    return champion === undefined || (moved && takenBack.has(row.runId)) ? [] : [champion.releaseId];
  });
}

async function withdrawnFrom(tx: Transaction, scope: Scope): Promise<ReadonlySet<Id>> {
  const rows = await tx
    .select({ releaseId: withdrawals.releaseId })
    .from(withdrawals)
    .where(inScope(withdrawals, scope));
  return new Set(rows.map((row) => row.releaseId));
}

async function serveAlone(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  to: Release,
  { runId, reason, by }: Request,
): Promise<Generation> {
  const slots = [await slotFor(tx, to, 'champion', 100)];
  return raiseGeneration(context, tx, scope, { slots, change: 'rollback', reason, runId, by });
}

/** Moves heads to the release's origins, so that the next automatic build starts from them. */
async function moveHeads(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  to: Release,
  { runId, heads = [], reason, by }: Request,
): Promise<void> {
  if (heads.length === 0) return;
  const [before] = await tx.select().from(modelEnvironments).where(inScope(modelEnvironments, scope));
  const columns = [...new Set(heads)].map((head) => headColumns[head]);
  const moved = Object.fromEntries(columns.map((column) => [column, to[column]]));
  const from = Object.fromEntries(columns.map((column) => [column, written(before)[column]]));
  await tx.update(modelEnvironments).set(moved).where(inScope(modelEnvironments, scope));
  await appendLedger(context, tx, {
    modelId: scope.modelId,
    environment: scope.environment,
    kind: 'heads.moved',
    subject: { runId, heads: [...new Set(heads)], release: to.digest, from, to: moved },
    reason,
    effectiveAt: await environmentNow(context, tx, scope),
    by,
  });
}

async function withdraw(tx: Transaction, scope: Scope, releaseId: Id, { runId, reason, by }: Request): Promise<void> {
  const { modelId, environment } = scope;
  await tx
    .insert(withdrawals)
    .values({ modelId, environment, releaseId, reason: storableText(reason), runId, recordedBy: by })
    .onConflictDoNothing();
}

async function hold(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  done: { readonly from: Release; readonly to: Release; readonly generation: Generation; readonly request: Request },
): Promise<void> {
  const { from, to, generation, request } = done;
  const { runId, reason, by } = request;
  const holdReason = storableText(`rolled back: ${reason}`);
  await tx.update(modelEnvironments).set({ rolloutRunId: null, holdReason }).where(inScope(modelEnvironments, scope));
  const entry = {
    modelId: scope.modelId,
    environment: scope.environment,
    effectiveAt: await environmentNow(context, tx, scope),
    by,
  };
  await appendLedger(context, tx, {
    ...entry,
    kind: 'rollback.ordered',
    subject: {
      runId,
      fromReleaseId: from.id,
      toReleaseId: to.id,
      from: from.digest,
      to: to.digest,
      generation: generation.generation,
      changed: generation.runId === runId,
    },
    reason,
  });
  await appendLedger(context, tx, { ...entry, kind: 'promotion.held', subject: { runId }, reason: holdReason });
}
