import type { Id, Scope } from '../../contracts/identifiers.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow } from '../connection/repository-context.ts';
import { recordTrigger } from '../lifecycle/record-trigger.ts';
import type { codeVersions } from './code-tables.ts';
import { modelEnvironments } from '../environments/environment-tables.ts';
import { inScope } from '../connection/in-scope.ts';

type Row = typeof codeVersions.$inferSelect;

interface Move {
  /** Null: the environment had no code. */
  readonly from: Row | null;
  readonly to: Row;
  /** The run that recorded the code version. */
  readonly runId: Id;
  readonly by: Id;
}

/** Moves the environment's code head and writes the ledger entry and the trigger. The scope must be locked. */
export async function moveCodeHead(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  { from, to, runId, by }: Move,
): Promise<void> {
  await tx.update(modelEnvironments).set({ codeVersionId: to.id }).where(inScope(modelEnvironments, scope));
  const reason = from === null ? `code ${to.number}` : `code ${from.number} → ${to.number}`;
  await appendLedger(context, tx, {
    modelId: scope.modelId,
    environment: scope.environment,
    kind: 'code.committed',
    subject: {
      runId,
      codeVersionId: to.id,
      number: to.number,
      digest: to.digest,
      previousCodeVersionId: from?.id ?? null,
    },
    reason,
    effectiveAt: await environmentNow(context, tx, scope),
    by,
  });
  // The run is part of the fingerprint, because going back to earlier code counts as new code.
  await recordTrigger(context, tx, scope, {
    kind: 'new-code',
    reason,
    fingerprint: `${to.digest} by ${runId}`,
    by,
  });
}
