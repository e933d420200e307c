import { and, eq, gte, inArray, isNull, ne } from '../connection/orm.ts';
import type { Generation, Slot } from '../../contracts/serving/deployment.ts';
import { durationMs } from '../../contracts/time/duration.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { Release } from '../../contracts/serving/release.ts';
import { isFinal } from '../../contracts/runs/run.ts';
import type { DeploymentRepository } from '../../ports/repositories/deployment-repository.ts';
import type { ApprovedRollout } from './approved-rollout.ts';
import { approvedRollout } from './approved-rollout.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { lockScope } from '../connection/repository-context.ts';
import {
  championOf,
  generationsOf,
  type NewGeneration,
  newestGeneration,
  raiseGeneration,
  slotFor,
  toGeneration,
} from './generations.ts';
import { written } from '../connection/not-found.ts';
import { proveRun, unproven } from '../runs/prove-run.ts';
import { acknowledgements } from '../gateways/gateway-tables.ts';
import { generations, releases, withdrawals } from './deployment-tables.ts';
import { modelEnvironments } from '../environments/environment-tables.ts';
import { runs } from '../runs/run-tables.ts';
import { inScope } from '../connection/in-scope.ts';

// Only one deploy run at a time changes weights. Each function here locks the scope, checks that it is the run's turn,
// and takes the release and the steps from the approval.

/** More generations than one rollout can raise: the configured steps plus a shadow step and an abort. */
const stepsAtMost = 50;

type Raise = Parameters<DeploymentRepository['raise']>[1];
type Abort = Parameters<DeploymentRepository['abort']>[1];

export async function beginRollout(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  runId: Id,
): ReturnType<DeploymentRepository['beginRollout']> {
  const heads = await lockScope(tx, scope, null);
  const { subject, automated } = await approvedRollout(context, tx, scope, runId);
  if (heads.rolloutRunId === runId) return 'begun';
  const mine = await raisedBy(tx, scope, runId);
  if (mine.length > 0)
    throw unproven(
      `the rollout of run ${runId} in ${scopeLabel(scope)} is over, and an approval is valid for one rollout only`,
      runId,
    );
  if (heads.rolloutRunId !== null && (await isUnderWay(tx, heads.rolloutRunId))) return 'taken';
  if (automated && heads.holdReason !== null) return 'superseded';
  const champion = championOf(await newestGeneration(tx, scope))?.releaseDigest ?? null;
  if (champion !== subject.champion) return 'champion-changed';
  await tx.update(modelEnvironments).set({ rolloutRunId: runId }).where(inScope(modelEnvironments, scope));
  return 'begun';
}

async function isUnderWay(tx: Transaction, runId: Id): Promise<boolean> {
  const [run] = await tx.select({ state: runs.state }).from(runs).where(eq(runs.id, runId));
  return run !== undefined && !isFinal(run.state);
}

/** Returns the generations that the run raised, oldest first. */
async function raisedBy(tx: Transaction, scope: Scope, runId: Id): Promise<readonly Generation[]> {
  const rows = await generationsOf(tx, scope, eq(generations.runId, runId)).limit(stepsAtMost);
  return rows.map(toGeneration).toReversed();
}

export async function raiseForRun(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  { runId, weight, judged, remark }: Raise,
): Promise<Generation> {
  const heads = await lockScope(tx, scope, null);
  const rollout = await approvedRollout(context, tx, scope, runId);
  if (heads.rolloutRunId !== runId)
    throw new PerennialError(
      'rollout-superseded',
      `the rollout of run ${runId} in ${scopeLabel(scope)} was ended by another deployment or by a rollback`,
      { runId },
    );
  const mine = await raisedBy(tx, scope, runId);
  // Weights only rise, so a lower or equal one is a late repetition of an earlier attempt.
  const before = mine.find(({ slots }) =>
    slots.some((slot) => slot.releaseId === rollout.release.id && slot.weight >= weight),
  );
  if (before !== undefined) return before;
  const { steps, release, by } = rollout;
  const next = steps[mine.length];
  if (weight !== next)
    throw unproven(
      `${weight} % is not the next step of run ${runId}: the approved steps are ${steps.join(', ')}, and ${next === undefined ? 'all of them are done' : `${next} % comes next`}`,
      runId,
    );
  const last = mine.at(-1);
  if (last !== undefined) await mustBeDone(context, tx, { last, judged, rollout });
  const champion = championOf(await newestGeneration(tx, scope));
  const step = await stepTo(tx, scope, { weight, release, champion });
  const told = weight === 100 ? 'promoted' : weight === 0 ? 'shadow' : `canary at ${weight} %`;
  const reason = remark === undefined ? told : `${told}; ${remark}`;
  return raiseGeneration(context, tx, scope, { ...step, reason, runId, by });
}

/** Returns the slots that serve at this weight. */
async function stepTo(
  tx: Transaction,
  scope: Scope,
  { weight, release, champion }: { readonly weight: number; readonly release: Release; readonly champion?: Slot },
): Promise<Pick<NewGeneration, 'slots' | 'change'>> {
  if (weight === 100) {
    // The approval overrides an earlier withdrawal of this release by a rollback.
    await restore(tx, scope, release);
    const change = champion === undefined ? 'first' : 'promote';
    return { slots: [await slotFor(tx, release, 'champion', 100)], change };
  }
  const beside = { ...written(champion), weight: 100 - weight };
  const role = weight === 0 ? 'shadow' : 'canary';
  return { slots: [beside, await slotFor(tx, release, role, weight)], change: role };
}

interface Step {
  readonly last: Generation;
  readonly judged: Raise['judged'];
  readonly rollout: ApprovedRollout;
}

/** Throws `step-not-due` unless the previous step was loaded, lasted as long as approved and was judged well enough. */
async function mustBeDone(context: RepositoryContext, tx: Transaction, { last, judged, rollout }: Step): Promise<void> {
  const { strategy, clock } = rollout;
  const { generation, runId } = last;
  const notDue = (why: string) =>
    new PerennialError('step-not-due', `the step after generation ${generation} is not due: ${why}`, { runId });
  if (judged?.generation !== generation) throw notDue('that generation has not been judged');
  if (judged.verdict === 'abort')
    throw unproven(`generation ${generation} must be rolled back: ${judged.reason}`, runId);
  if (judged.verdict === 'insufficient' && strategy.onInsufficient !== 'proceed') throw notDue(judged.reason);
  if (!(await isLoaded(tx, last))) throw notDue('no gateway has loaded that generation');
  // Under a virtual clock a step has no minimum duration.
  const bake = last.change === 'shadow' ? strategy.shadow?.bake : strategy.bake;
  const dueAt = Date.parse(last.recordedAt) + (clock === 'virtual' || bake === undefined ? 0 : durationMs(bake));
  if (Date.parse(context.clock.now()) < dueAt)
    throw notDue(`that generation lasts until ${new Date(dueAt).toISOString()}`);
}

async function isLoaded(tx: Transaction, { modelId, environment, generation }: Generation): Promise<boolean> {
  const [loaded] = await tx
    .select({ gatewayId: acknowledgements.gatewayId })
    .from(acknowledgements)
    .where(
      and(
        inScope(acknowledgements, { modelId, environment }),
        gte(acknowledgements.generation, generation),
        isNull(acknowledgements.error),
      ),
    )
    .limit(1);
  return loaded !== undefined;
}

/** Removes the release's withdrawal from the environment, whichever evaluation it was deployed with. */
export async function restore(
  tx: Transaction,
  scope: Scope,
  { modelVersionId, configurationId }: Pick<Release, 'modelVersionId' | 'configurationId'>,
): Promise<void> {
  const same = tx
    .select({ id: releases.id })
    .from(releases)
    .where(and(eq(releases.modelVersionId, modelVersionId), eq(releases.configurationId, configurationId)));
  await tx.delete(withdrawals).where(and(inScope(withdrawals, scope), inArray(withdrawals.releaseId, same)));
}

/** Aborts the rollout for its own run, which must be in progress and reports the outcome afterwards. */
export async function abortOwn(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  request: Pick<Abort, 'runId' | 'reason'>,
): Promise<Generation | undefined> {
  await lockScope(tx, scope, null);
  const { run } = await proveRun(tx, scope, request.runId, 'deploy');
  return abort(context, tx, scope, { ...request, by: run.recordedBy });
}

/**
 * Ends the rollout for its own run after its release serves alone or if nothing was raised. Throws `unproven` while its
 * canary or shadow is up: that must be aborted.
 */
export async function endOwnRollout(tx: Transaction, scope: Scope, runId: Id): Promise<void> {
  const heads = await lockScope(tx, scope, null);
  await proveRun(tx, scope, runId, 'deploy');
  if (heads.rolloutRunId !== runId) return;
  const last = (await raisedBy(tx, scope, runId)).at(-1);
  if (last?.change === 'canary' || last?.change === 'shadow')
    throw unproven(
      `the ${last.change} of run ${runId} is still deployed, so its rollout cannot end; abort the rollout`,
      runId,
    );
  await endRollout(tx, scope, runId);
}

/** Makes the champion from before this run serve alone again, or nothing if there was none, and ends the rollout. */
export async function abort(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  { runId, reason, by }: Abort & { readonly by: Id },
): Promise<Generation | undefined> {
  const heads = await lockScope(tx, scope, by);
  const newest = await newestGeneration(tx, scope);
  if (newest?.runId === runId && newest.change === 'abort') return newest;
  if (heads.rolloutRunId !== runId) return undefined;
  await endRollout(tx, scope, runId);
  if (newest === undefined || newest.runId !== runId) return undefined;
  const champion = championOf(await lastNotOf(tx, scope, runId));
  // If there was no champion before, nothing serves again, and the next release counts as a first one. Keeping a
  // release that no gateway can load would prevent gateways from loading any later canary beside it.
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
    .where(and(inScope(modelEnvironments, scope), eq(modelEnvironments.rolloutRunId, runId)));
}
