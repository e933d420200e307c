import type { Column } from '../../../contracts/data/data-types.ts';
import type { PrepareBatch } from '../../../ports/table-engine.ts';
import { storedInParts } from './known-parts.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { KnownColumns } from '../typing/infer-fields.ts';
import { literal } from '../sql.ts';

/** Returns the columns of the existing dataset, and which of them have no value in any part. */
export async function knownColumns(
  database: LockedDatabase,
  known: PrepareBatch['known'],
  pinned: readonly Column[],
): Promise<KnownColumns> {
  const stored = await storedInParts(database, known);
  const rows = known.reduce((sum, { part }) => sum + part.rows, 0);
  return { pinned, stored, empty: await emptyColumns(database, known), rows };
}

/**
 * Returns the columns without values, from the statistics in the files, so that no row is read. A part without
 * statistics counts as having values.
 */
async function emptyColumns(database: LockedDatabase, known: PrepareBatch['known']): Promise<ReadonlySet<string>> {
  if (known.length === 0) return new Set();
  const paths = known.map(({ path }) => literal(path)).join(', ');
  const rows = await database.rows(
    `SELECT path_in_schema AS name FROM parquet_metadata([${paths}]) GROUP BY name HAVING bool_and(coalesce(stats_null_count = num_values, false))`,
  );
  return new Set(rows.map(({ name }) => String(name)));
}
