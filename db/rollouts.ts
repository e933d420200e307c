import { and, eq, ne } from 'drizzle-orm';
import type { Generation } from '../contracts/deployment.ts';
import { PerennialError } from '../contracts/errors.ts';
import type { Id, Scope } from '../contracts/identifiers.ts';
import { scopeLabel } from '../contracts/identifiers.ts';
import { isFinal } from '../contracts/run.ts';
import type { DeploymentRepository } from '../ports/repositories/deployments.ts';
import type { Transaction } from './connection.ts';
import type { RepositoryContext } from './context.ts';
import { lockScope } from './context.ts';
import {
  championOf,
  generationsOf,
  inScope,
  newestGeneration,
  raiseGeneration,
  readRelease,
  slotFor,
  toGeneration,
} from './generations.ts';
import { generations, modelEnvironments, runs, withdrawals } from './schema.ts';

// One deploy run at a time moves weights; each of these begins with the scope's lock and asks whose turn it is.

/** More than a configuration may name, with the abort after them. */
const stepsAtMost = 50;

type Begin = Parameters<DeploymentRepository['beginRollout']>[1];
type Raise = Parameters<DeploymentRepository['raise']>[1];
type Abort = Parameters<DeploymentRepository['abort']>[1];

export async function beginRollout(
  tx: Transaction,
  scope: Scope,
  { runId, expectedChampion, automated }: Begin,
): ReturnType<DeploymentRepository['beginRollout']> {
  const heads = await lockScope(tx, scope, null);
  if (heads.rolloutRunId === runId) return 'begun';
  if (heads.rolloutRunId !== null && (await isUnderWay(tx, heads.rolloutRunId))) return 'taken';
  const champion = championOf(await newestGeneration(tx, scope))?.releaseDigest ?? null;
  if (champion !== expectedChampion || (automated && heads.holdReason !== null)) return 'superseded';
  await tx.update(modelEnvironments).set({ rolloutRunId: runId }).where(inScope(scope));
  return 'begun';
}

async function isUnderWay(tx: Transaction, runId: Id): Promise<boolean> {
  const [run] = await tx.select({ state: runs.state }).from(runs).where(eq(runs.id, runId));
  return run !== undefined && !isFinal(run.state);
}

export async function raise(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  { runId, releaseId, weight, reason, by }: Raise,
): Promise<Generation> {
  const heads = await lockScope(tx, scope, by);
  if (heads.rolloutRunId !== runId)
    throw new PerennialError(
      'rollout-superseded',
      `the rollout of run ${runId} in ${scopeLabel(scope)} lost its place to another deployment or a rollback`,
      { runId },
    );
  const before = await raisedBefore(tx, scope, { runId, releaseId, weight });
  if (before !== undefined) return before;
  const release = await readRelease(tx, releaseId);
  const champion = championOf(await newestGeneration(tx, scope));
  if (weight === 0) {
    // A first release has nobody to be compared with.
    if (champion === undefined)
      throw new PerennialError('internal', `nothing serves in ${scopeLabel(scope)} to shadow`);
    const slots = [{ ...champion, weight: 100 }, await slotFor(tx, release, 'shadow', 0)];
    return raiseGeneration(context, tx, scope, { slots, change: 'shadow', reason, runId, by });
  }
  if (weight < 100 && champion !== undefined) {
    const slots = [{ ...champion, weight: 100 - weight }, await slotFor(tx, release, 'canary', weight)];
    return raiseGeneration(context, tx, scope, { slots, change: 'canary', reason, runId, by });
  }
  // It got here by approval; what a rollback said of it before is answered by that.
  await restore(tx, scope, releaseId);
  const slots = [await slotFor(tx, release, 'champion', 100)];
  const change = champion === undefined ? 'first' : 'promote';
  return raiseGeneration(context, tx, scope, { slots, change, reason, runId, by });
}

/**
 * What this run raised for that weight, or for more: steps only rise, so a lower one is an attempt that was given up for
 * lost and comes late, and it must not take requests back from the release.
 */
async function raisedBefore(
  tx: Transaction,
  scope: Scope,
  { runId, releaseId, weight }: Pick<Raise, 'runId' | 'releaseId' | 'weight'>,
): Promise<Generation | undefined> {
  const mine = (await generationsOf(tx, scope, eq(generations.runId, runId)).limit(stepsAtMost)).map(toGeneration);
  return mine
    .toReversed()
    .find(({ slots }) => slots.some((slot) => slot.releaseId === releaseId && slot.weight >= weight));
}

/** The release is no longer withdrawn from the environment. */
export async function restore(tx: Transaction, scope: Scope, releaseId: Id): Promise<void> {
  await tx
    .delete(withdrawals)
    .where(
      and(
        eq(withdrawals.modelId, scope.modelId),
        eq(withdrawals.environment, scope.environment),
        eq(withdrawals.releaseId, releaseId),
      ),
    );
}

/** What served before this run moved anything serves alone again; nothing, if nothing did. */
export async function abort(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  { runId, reason, by }: Abort,
): Promise<Generation | undefined> {
  const heads = await lockScope(tx, scope, by);
  const newest = await newestGeneration(tx, scope);
  if (newest?.runId === runId && newest.change === 'abort') return newest;
  if (heads.rolloutRunId !== runId) return undefined;
  await endRollout(tx, scope, runId);
  if (newest === undefined || newest.runId !== runId) return undefined;
  const champion = championOf(await lastNotOf(tx, scope, runId));
  // A first release has nothing to go back to: nothing serves again, so that the next is a first one too. Left in place,
  // one that no gateway can load would keep every canary beside it from being loaded.
  const slots = champion === undefined ? [] : [{ ...champion, weight: 100 }];
  return raiseGeneration(context, tx, scope, { slots, change: 'abort', reason, runId, by });
}

async function lastNotOf(tx: Transaction, scope: Scope, runId: Id): Promise<Generation | undefined> {
  const [row] = await generationsOf(tx, scope, ne(generations.runId, runId)).limit(1);
  return row === undefined ? undefined : toGeneration(row);
}

export async function endRollout(tx: Transaction, scope: Scope, runId: Id): Promise<void> {
  await tx
    .update(modelEnvironments)
    .set({ rolloutRunId: null })
    .where(and(inScope(scope), eq(modelEnvironments.rolloutRunId, runId)));
}
