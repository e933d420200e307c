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
  /** The environment's clock. */
  readonly at: Instant;
  readonly by: Id;
}

/** Closes an approval that the caller has locked and found pending, and enters it in the ledger. */
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
 * Closes the scope's pending requests, those of the runs named or all but one run's, because something newer takes their
 * place. Answers the runs that waited for them: they learn it when they tally, so nudge them. The caller holds the scope.
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
