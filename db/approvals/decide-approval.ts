import { and, asc, eq, inArray, ne } from '../connection/orm.ts';
import { isPendingIn } from './approval-rows.ts';
import type { ApprovalStatus } from '../../contracts/serving/approval.ts';
import type { Id, Instant, Scope } from '../../contracts/identifiers.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { toDate } from '../connection/instants.ts';
import { approvals } from './approval-tables.ts';

export interface ApprovalDecision {
  readonly status: Exclude<ApprovalStatus, 'pending'>;
  readonly reason: string;
  /** Time by the environment's clock. */
  readonly at: Instant;
  readonly by: Id;
}

/** Closes an approval and records the decision in the ledger. The caller has locked it and found it pending. */
export async function decideApproval(
  context: Pick<RepositoryContext, 'clock'>,
  tx: Transaction,
  approval: Pick<typeof approvals.$inferSelect, 'id' | 'modelId' | 'environment' | 'runId' | 'digest'>,
  { status, reason, at, by }: ApprovalDecision,
): Promise<void> {
  const { id, modelId, environment, runId, digest } = approval;
  await tx
    .update(approvals)
    .set({ status, decidedAt: toDate(at) })
    .where(eq(approvals.id, id));
  await appendLedger(context, tx, {
    modelId,
    environment,
    kind: 'approval.decided',
    subject: { approvalId: id, runId, digest, decision: status },
    reason,
    effectiveAt: at,
    by,
  });
}

/**
 * Supersedes the scope's pending requests, either of the given runs or of all runs but one. Returns the runs that were
 * waiting for them. Nudge these runs: they notice the change at their next tally. The caller holds the scope's lock.
 */
export async function supersedeApprovals(
  context: Pick<RepositoryContext, 'clock'>,
  tx: Transaction,
  scope: Pick<Scope, 'modelId' | 'environment'>,
  which: { readonly ofRuns: readonly Id[] } | { readonly exceptOfRun: Id },
  decision: Omit<ApprovalDecision, 'status'>,
): Promise<readonly Id[]> {
  const chosen =
    'ofRuns' in which ? inArray(approvals.runId, [...which.ofRuns]) : ne(approvals.runId, which.exceptOfRun);
  const pending = await tx
    .select()
    .from(approvals)
    .where(and(isPendingIn(scope), chosen))
    .orderBy(asc(approvals.id))
    .for('update');
  for (const approval of pending) await decideApproval(context, tx, approval, { ...decision, status: 'superseded' });
  return pending.map((approval) => approval.runId);
}
