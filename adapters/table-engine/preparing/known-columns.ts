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
  const paths = known.flatMap(({ path, summary }) => (summary === undefined ? [literal(path)] : []));
  const described =
    paths.length === 0
      ? []
      : await database.rows(
          `SELECT path_in_schema AS name, bool_and(coalesce(stats_null_count = num_values, false)) AS empty FROM parquet_metadata([${paths.join(', ')}]) GROUP BY name`,
        );
  const states = [
    ...described.map(({ name, empty }) => ({ name: String(name), isEmpty: empty === true })),
    ...known.flatMap(({ summary }) =>
      (summary?.facts.pieces ?? []).map(({ name, count, nulls }) => ({ name, isEmpty: count === nulls })),
    ),
  ];
  const filled = new Set(states.flatMap(({ name, isEmpty }) => (isEmpty ? [] : [name])));
  return new Set(states.flatMap(({ name }) => (filled.has(name) ? [] : [name])));
}
