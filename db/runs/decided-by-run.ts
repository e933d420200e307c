import { and, desc, eq, sql } from '../connection/orm.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { LedgerKind } from '../../contracts/ledger/ledger-entry.ts';
import type { Executor } from '../connection/connect.ts';
import { ledger } from '../ledger/ledger-tables.ts';

/**
 * Returns this run's ledger entry of `kind`, so that a repeated commit can detect that it already ran. Returns the
 * newest entry, because a run may decide again when the champion has changed.
 *
 * @param about further fields that the entry's subject must match.
 */
export async function decidedByRun(
  tx: Executor,
  modelId: Id,
  kind: LedgerKind,
  runId: Id,
  about: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const named = Object.entries({ runId, ...about }).map(
    ([name, value]) => sql`${ledger.subject} ->> ${name} = ${value}`,
  );
  const [entry] = await tx
    .select({ subject: ledger.subject })
    .from(ledger)
    .where(and(eq(ledger.modelId, modelId), eq(ledger.kind, kind), ...named))
    .orderBy(desc(ledger.sequence))
    .limit(1);
  return entry?.subject;
}
