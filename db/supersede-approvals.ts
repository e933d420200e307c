import { and, eq, inArray } from 'drizzle-orm';
import type { Id, Instant } from '../contracts/identifiers.ts';
import { appendLedger } from './append-ledger.ts';
import type { Transaction } from './connection.ts';
import type { RepositoryContext } from './context.ts';
import { toDate } from './instants.ts';
import { approvals } from './schema.ts';

/** Ends the pending requests of these runs: something newer is asked instead. Those that are decided stay so. */
export async function supersedeApprovals(
  context: RepositoryContext,
  tx: Transaction,
  {
    runIds,
    reason,
    effectiveAt,
    by,
  }: { readonly runIds: readonly Id[]; readonly reason: string; readonly effectiveAt: Instant; readonly by: Id },
): Promise<void> {
  if (runIds.length === 0) return;
  const ended = await tx
    .update(approvals)
    .set({ status: 'superseded', decidedAt: toDate(context.clock.now()) })
    .where(and(inArray(approvals.runId, [...runIds]), eq(approvals.status, 'pending')))
    .returning();
  for (const { id, runId, modelId, environment, digest } of ended) {
    await appendLedger(context, tx, {
      modelId,
      environment,
      kind: 'approval.decided',
      subject: { approvalId: id, runId, digest, status: 'superseded' },
      reason,
      effectiveAt,
      by,
    });
  }
}
