import type { Page, PageRequest, Scope } from '../../contracts/identifiers.ts';
import type { LabelCorrection } from '../../contracts/monitoring/label.ts';
import { ClassValue } from '../../contracts/models/signature.ts';
import type { Executor } from '../connection/connect.ts';
import { toInstant } from '../connection/instants.ts';
import type { SQL } from '../connection/orm.ts';
import { and, asc, desc, eq, sql } from '../connection/orm.ts';
import { decodeCursor, pageOf, unusableCursor } from '../connection/paging.ts';
import { labelCorrections } from './label-tables.ts';
import { inScope } from '../connection/in-scope.ts';

/** The order in which the ledger entry's digest was computed, independent of the database's collation. */
const byCode = sql`${labelCorrections.predictionId} collate "C"`;

/** Returns label corrections, newest ledger entry first, then by prediction. */
export async function listCorrections(
  db: Executor,
  scope: Pick<Scope, 'modelId' | 'environment'>,
  sequence: number | undefined,
  page: PageRequest,
): Promise<Page<LabelCorrection>> {
  const t = labelCorrections;
  const rows = await db
    .select({
      id: t.predictionId,
      // Read as JSON text, because Drizzle would parse the text class "1" as a number.
      from: sql<string>`${t.replaced}::text`,
      to: sql<string>`${t.replacement}::text`,
      sequence: t.sequence,
      recordedAt: t.recordedAt,
      recordedBy: t.recordedBy,
    })
    .from(t)
    .where(and(inScope(t, scope), sequence === undefined ? undefined : eq(t.sequence, sequence), after(page)))
    .orderBy(desc(t.sequence), asc(byCode))
    .limit(page.limit + 1);
  return pageOf(
    rows,
    page,
    (row) => [row.sequence, row.id],
    ({ from, to, recordedAt, ...row }) => ({
      ...row,
      from: ClassValue.parse(JSON.parse(from)),
      to: ClassValue.parse(JSON.parse(to)),
      recordedAt: toInstant(recordedAt),
    }),
  );
}

function after({ cursor }: PageRequest): SQL | undefined {
  const key = decodeCursor(cursor);
  if (key === undefined) return undefined;
  const [sequence, id] = key;
  if (key.length !== 2 || typeof sequence !== 'number' || typeof id !== 'string') throw unusableCursor();
  const t = labelCorrections;
  return sql`(${t.sequence} < ${sequence} or (${t.sequence} = ${sequence} and ${byCode} > ${id}))`;
}
