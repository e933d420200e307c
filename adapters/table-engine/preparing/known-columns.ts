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
  const bare = known.flatMap(({ path, summary }) => (summary === undefined ? [literal(path)] : []));
  const summarised = known.flatMap(({ summary }) => summary ?? []);
  const described =
    bare.length === 0
      ? []
      : await database.rows(
          `SELECT path_in_schema AS name FROM parquet_metadata([${bare.join(', ')}]) GROUP BY name HAVING bool_and(coalesce(stats_null_count = num_values, false))`,
        );
  const empty = [
    ...(bare.length === 0 ? [] : [new Set(described.map(({ name }) => String(name)))]),
    ...summarised.map(({ empty: names }) => new Set(names)),
  ];
  const [first = new Set(), ...others] = empty;
  return new Set([...first].filter((name) => others.every((names) => names.has(name))));
}
