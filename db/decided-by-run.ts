import { and, eq, sql } from './orm.ts';
import type { Id } from '../contracts/identifiers.ts';
import type { LedgerKind } from '../contracts/ledger.ts';
import type { Executor } from './connection.ts';
import { ledger } from './schema.ts';

/** What this run had entered under `kind`, if it did: how a commit that runs twice knows that it is the second time. */
export async function decidedByRun(
  tx: Executor,
  modelId: Id,
  kind: LedgerKind,
  runId: Id,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const [entry] = await tx
    .select({ subject: ledger.subject })
    .from(ledger)
    .where(and(eq(ledger.modelId, modelId), eq(ledger.kind, kind), sql`${ledger.subject} ->> 'runId' = ${runId}`))
    .limit(1);
  return entry?.subject;
}
