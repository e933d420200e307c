import { and, eq, inArray, isNotNull, isNull } from '../connection/orm.ts';
import { isPendingIn } from '../approvals/approval-rows.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { LifecycleOrders, LifecyclePlan, LifecycleSnapshot } from '../../contracts/runs/lifecycle-plan.ts';
import { carryOutPlan } from './carry-out-plan.ts';
import { clearLeftovers } from '../collections/clear-leftovers.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow, lockScope } from '../connection/repository-context.ts';
import { endRun } from '../runs/end-run.ts';
import { toDate } from '../connection/instants.ts';
import { readSnapshot } from './lifecycle-snapshot.ts';
import { proveScope } from '../runs/prove-run.ts';
import { ensurePrincipal } from '../principals/principal-repository.ts';
import { approvals } from '../approvals/approval-tables.ts';
import { runs } from '../runs/run-tables.ts';
import { commandsAtOnce, takeCommands } from './take-commands.ts';
import { whoIsNudged } from './who-is-nudged.ts';
import { inScope } from '../connection/in-scope.ts';
import { unfinishedStates } from '../../contracts/runs/run.ts';

type Plan = (snapshot: LifecycleSnapshot) => LifecyclePlan;

/** Name of the principal that automation acts as. */
const lifecyclePrincipal = 'lifecycle';
/**
 * Maximum number of plans per transaction. One plan creates runs and the next starts them; a plan that needs many more
 * rounds would never settle.
 */
const roundsAtMost = 5;

/** Implements `LifecycleRepository.advance`. */
export async function advanceLifecycle(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  plan: Plan,
): Promise<LifecycleOrders> {
  const by = (await ensurePrincipal(context, tx, lifecyclePrincipal, 'service', [], null)).id;
  await proveScope(tx, scope);
  const found = await lockScope(tx, scope, null);
  await lockWhatMoves(tx, scope);
  await clearLeftovers(context, tx, scope, found, { at: await environmentNow(context, tx, scope), by });
  const taken = await takeCommands(context, tx, scope);
  for (let round = 1; ; round += 1) {
    await cancelUnstarted(context, tx, scope);
    const heads = await lockScope(tx, scope, null);
    const snapshot = await readSnapshot(context, tx, scope, heads);
    const planned = plan(snapshot);
    const moved = await carryOutPlan({ context, tx, scope, snapshot, by }, planned);
    if (moved && round < roundsAtMost) continue;
    const wakeInMs = taken === commandsAtOnce ? 0 : wakeAfter(snapshot, planned);
    const ended = mayRest(snapshot) && taken < commandsAtOnce;
    const start = await startOrders(context, tx, planned.start);
    const orders = { start, cancel: await toCancel(tx, scope), nudge: await whoIsNudged(tx, scope, snapshot, heads) };
    return { ...orders, wakeInMs, ended };
  }
}

/**
 * Locks runs and approvals before the model (`lockModel`), in the order used by transactions that end runs or record
 * votes. Locking them later, between ledger entries, could deadlock.
 */
async function lockWhatMoves(tx: Transaction, scope: Scope): Promise<void> {
  await tx
    .select({ id: runs.id })
    .from(runs)
    .where(and(inScope(runs, scope), inArray(runs.state, unfinishedStates)))
    .orderBy(runs.id)
    .for('update');
  await tx.select({ id: approvals.id }).from(approvals).where(isPendingIn(scope)).orderBy(approvals.id).for('update');
}

/**
 * Returns whether the lifecycle may end, because nothing becomes due by time: the model is archived or the clock is
 * virtual, and no run is unfinished.
 */
function mayRest({ archived, clock, runs: unfinished }: LifecycleSnapshot): boolean {
  return (archived || clock === 'virtual') && unfinished.length === 0;
}

/**
 * Returns the milliseconds until the plan's wake time. Null under a virtual clock, because moving it wakes the
 * lifecycle.
 */
function wakeAfter({ clock, now }: LifecycleSnapshot, { wakeAt }: LifecyclePlan): number | null {
  if (clock === 'virtual' || wakeAt === null) return null;
  return Math.max(0, Date.parse(wakeAt) - Date.parse(now));
}

/** Cancels queued runs whose start was never ordered, because no workflow exists that could end them. */
async function cancelUnstarted(context: RepositoryContext, tx: Transaction, scope: Scope): Promise<void> {
  const waiting = await tx
    .select({ id: runs.id, reason: runs.cancelRequested })
    .from(runs)
    .where(and(inScope(runs, scope), eq(runs.state, 'queued'), isNull(runs.orderedAt), isNotNull(runs.cancelRequested)))
    .orderBy(runs.id);
  for (const { id, reason } of waiting)
    await endRun(context, tx, id, { state: 'cancelled', reason: reason ?? 'cancelled' });
}

function toCancel(tx: Transaction, scope: Scope): Promise<LifecycleOrders['cancel'][number][]> {
  return tx
    .select({ workflowId: runs.workflowId })
    .from(runs)
    .where(and(inScope(runs, scope), inArray(runs.state, unfinishedStates), isNotNull(runs.cancelRequested)))
    .orderBy(runs.id);
}

async function startOrders(
  context: RepositoryContext,
  tx: Transaction,
  start: readonly Id[],
): Promise<LifecycleOrders['start']> {
  if (start.length === 0) return [];
  const ids = [...start];
  await tx
    .update(runs)
    .set({ orderedAt: toDate(context.clock.now()) })
    .where(and(inArray(runs.id, ids), isNull(runs.orderedAt)));
  const rows = await tx
    .select({ runId: runs.id, kind: runs.kind, workflowId: runs.workflowId, because: runs.because })
    .from(runs)
    .where(inArray(runs.id, ids))
    .orderBy(runs.id);
  return rows;
}
