import { and, desc, eq, sql } from './orm.ts';
import type { Id } from '../contracts/identifiers.ts';
import type { LedgerKind } from '../contracts/ledger.ts';
import type { Executor } from './connection.ts';
import { ledger } from './schema.ts';

/**
 * What this run had entered under `kind`, if it did: how a commit that runs twice knows that it is the second time. The
 * newest entry, for a run may decide the same kind of thing again about another champion.
 *
 * @param about what else the subject of the entry has to say.
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
