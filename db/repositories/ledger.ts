import { and, asc, desc, eq, getTableColumns, gt, gte, lt, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Id, PageRequest } from '../../contracts/identifiers.ts';
import { Id as IdSchema, Instant } from '../../contracts/identifiers.ts';
import type { LedgerEntry } from '../../contracts/ledger.ts';
import { LedgerKind } from '../../contracts/ledger.ts';
import type { LedgerRepository } from '../../ports/repositories/ledger.ts';
import { ledgerDigest } from '../append-ledger.ts';
import type { Transaction } from '../connection.ts';
import { query, transact } from '../connection.ts';
import type { RepositoryContext } from '../context.ts';
import { toDate, toInstant } from '../instants.ts';
import { found } from '../not-found.ts';
import { decodeCursor, pageOf, unusableCursor } from '../paging.ts';
import { ledger, models, principals } from '../schema.ts';
import { visibleRows } from '../visibility.ts';

const Key = z.tuple([Instant, IdSchema, z.number().int()]);
const verifiedAtOnce = 1000;

function toEntry(row: typeof ledger.$inferSelect): LedgerEntry {
  return {
    ...row,
    kind: LedgerKind.parse(row.kind),
    recordedAt: toInstant(row.recordedAt),
    effectiveAt: toInstant(row.effectiveAt),
  };
}

export function createLedgerRepository({ db }: RepositoryContext): LedgerRepository {
  return {
    list: (viewer, filter, page) =>
      query(db, async () => {
        const rows = await db
          .select({ ...getTableColumns(ledger), principalName: principals.name })
          .from(ledger)
          .innerJoin(models, eq(models.id, ledger.modelId))
          .innerJoin(principals, eq(principals.id, ledger.recordedBy))
          .where(
            and(
              visibleRows(viewer, ledger.environment),
              eq(models.project, filter.project),
              filter.model === undefined ? undefined : eq(models.name, filter.model),
              filter.environment === undefined ? undefined : eq(ledger.environment, filter.environment),
              filter.kind === undefined ? undefined : eq(ledger.kind, filter.kind),
              filter.since === undefined ? undefined : gte(ledger.recordedAt, toDate(filter.since)),
              filter.until === undefined ? undefined : lt(ledger.recordedAt, toDate(filter.until)),
              below(page),
            ),
          )
          .orderBy(desc(ledger.recordedAt), desc(ledger.modelId), desc(ledger.sequence))
          .limit(page.limit + 1);
        return pageOf(
          rows,
          page,
          (row) => [toInstant(row.recordedAt), row.modelId, row.sequence],
          (row) => ({ ...toEntry(row), principalName: row.principalName }),
        );
      }),
    verify: (modelId) => transact(db, (tx) => verify(tx, modelId), { isolation: 'repeatable read', readOnly: true }),
  };
}

/** Many models' sequences in one list: by time, and within it by model and sequence. */
function below(page: PageRequest): ReturnType<typeof sql> | undefined {
  const cursor = decodeCursor(page.cursor);
  if (cursor === undefined) return undefined;
  const key = Key.safeParse(cursor);
  if (!key.success) throw unusableCursor();
  const [recordedAt, modelId, sequence] = key.data;
  return sql`(${ledger.recordedAt}, ${ledger.modelId}, ${ledger.sequence}) < (${recordedAt}::timestamptz, ${modelId}::uuid, ${sequence}::bigint)`;
}

async function verify(tx: Transaction, modelId: Id): Promise<number | undefined> {
  const [model] = await tx.select({ id: models.id }).from(models).where(eq(models.id, modelId));
  found(model, `there is no model ${modelId}`, { modelId });
  let sequence = 0;
  let previous: string | null = null;
  for (;;) {
    const rows = await tx
      .select()
      .from(ledger)
      .where(and(eq(ledger.modelId, modelId), gt(ledger.sequence, sequence)))
      .orderBy(asc(ledger.sequence))
      .limit(verifiedAtOnce);
    for (const row of rows) {
      sequence += 1;
      const entry = toEntry(row);
      if (entry.sequence !== sequence || entry.previous !== previous || entry.digest !== ledgerDigest(entry))
        return sequence;
      previous = entry.digest;
    }
    if (rows.length < verifiedAtOnce) return undefined;
  }
}
