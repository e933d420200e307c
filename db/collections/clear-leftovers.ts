import { and, asc, eq, inArray } from '../connection/orm.ts';
import { isPendingIn } from '../approvals/approval-rows.ts';
import type { Id, Instant, Scope } from '../../contracts/identifiers.ts';
import { finalStates, isFinal } from '../../contracts/runs/run.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { supersedeApprovals } from '../approvals/decide-approval.ts';
import { abort, endRollout } from '../deployments/rollouts.ts';
import { approvals } from '../approvals/approval-tables.ts';
import { type modelEnvironments } from '../environments/environment-tables.ts';
import { runs } from '../runs/run-tables.ts';

/**
 * Cleans up after a run whose workflow could not do so itself, for example because it was terminated manually. Aborts
 * its rollout and closes its approval request, so that no unfinished canary keeps serving and nobody is asked to vote
 * for nothing. The caller holds the locks of the scope, its unfinished runs and its pending approvals, in this order.
 */
export async function clearLeftovers(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  heads: Pick<typeof modelEnvironments.$inferSelect, 'rolloutRunId'>,
  { at, by }: { readonly at: Instant; readonly by: Id },
): Promise<void> {
  await closeRequests(context, tx, scope, { at, by });
  if (heads.rolloutRunId === null) return;
  const [run] = await tx.select({ state: runs.state }).from(runs).where(eq(runs.id, heads.rolloutRunId));
  if (run === undefined || !isFinal(run.state)) return;
  // A run that succeeded has finished its deployment, so there is nothing to undo.
  if (run.state === 'succeeded') return endRollout(tx, scope, heads.rolloutRunId);
  const reason = `its run ended (${run.state}) in the middle of the rollout`;
  await abort(context, tx, scope, { runId: heads.rolloutRunId, reason, by });
}

async function closeRequests(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  { at, by }: { readonly at: Instant; readonly by: Id },
): Promise<void> {
  const orphans = await tx
    .select({ runId: approvals.runId })
    .from(approvals)
    .innerJoin(runs, eq(runs.id, approvals.runId))
    .where(and(isPendingIn(scope), inArray(runs.state, finalStates)))
    .orderBy(asc(approvals.id));
  if (orphans.length === 0) return;
  const ofRuns = orphans.map((orphan) => orphan.runId);
  await supersedeApprovals(
    context,
    tx,
    scope,
    { ofRuns },
    { reason: 'the run that requested approval has ended', at, by },
  );
}
