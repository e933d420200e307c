import { join } from 'node:path';
import type { Column } from '../../../contracts/data/data-types.ts';
import type { ColumnProfile, DatasetProfile } from '../../../contracts/data/dataset-version.ts';
import type { Sha256 } from '../../../contracts/identifiers.ts';
import type { PrepareBatch, PreparedBatch, SummarisedPart } from '../../../ports/table-engine.ts';
import type { LockedDatabase, OpenedDatabase } from '../process/locked-database.ts';
import { parquetRows } from '../sql.ts';
import { summarisePart } from './part-facts.ts';
import { profileFrom, profilers } from './profile.ts';
import { type TableTask, runTableTasks } from './run-table-tasks.ts';
import { type OrderedRows, partOf, partSlices, writeSlice } from './write-parts.ts';

interface Describing {
  /** Columns to be profiled; null: none. */
  readonly columns: readonly Column[] | null;
  readonly summarise: boolean;
  readonly key: string | undefined;
  readonly timed: boolean;
  readonly folder: string;
}

interface WrittenRows {
  readonly parts: PreparedBatch['parts'];
  readonly profile: DatasetProfile | null;
  readonly summaries: readonly SummarisedPart[];
}

/** Writes ordered rows as parts, profiles them and summarises the parts, at the same time on two connections. */
export async function writeRows(
  database: OpenedDatabase,
  ordered: OrderedRows,
  { columns, summarise, key, timed, folder }: Describing,
): Promise<WrittenRows> {
  const slices = partSlices(ordered);
  const profiling = columns === null ? [] : await profilers(database.asides[0], ordered.table, columns);
  const profiles: ColumnProfile[] = [];
  const facts: Omit<SummarisedPart, 'part'>[] = [];
  const describe: TableTask[] = [
    ...profiling.map(
      (find): TableTask =>
        async (connection) =>
          void profiles.push(...(await find(connection))),
    ),
    ...(summarise ? slices : []).map(({ unordered: rows }, at): TableTask => async (connection) => {
      facts[at] = await summarisePart(connection, { rows, key, folder, name: `keys-${at}.parquet` });
    }),
  ];
  // Digests are computed while the next part is written.
  const parts: Promise<PreparedBatch['parts'][number]>[] = [];
  const write = slices.map((slice, at): TableTask => async (connection) => {
    const path = join(folder, `part-${at}.parquet`);
    const bounds = await writeSlice(connection, slice, { path, timed });
    const part = partOf(path, slice.rows, bounds);
    part.catch(() => undefined);
    parts[at] = part;
  });
  await runTableTasks(database.asides, [write, describe]);
  const written = await Promise.all(parts);
  return {
    parts: written,
    profile: columns === null ? null : profileFrom(columns, profiles),
    summaries: written.flatMap(({ sha256 }, at) => {
      const found = facts[at];
      return found === undefined ? [] : [{ part: sha256, ...found }];
    }),
  };
}

/** Summarises the carried parts that were rewritten, and those that have no summary yet. */
export async function summariseCarried(
  database: LockedDatabase,
  { known, key, outputFolder, summarise = true }: PrepareBatch,
  carried: PreparedBatch['known'],
): Promise<readonly SummarisedPart[]> {
  if (!summarise) return [];
  const bare = new Map<Sha256, string>(
    known.flatMap(({ part, path, summary }) => (summary === undefined ? [[part.sha256, path] as const] : [])),
  );
  const summaries: SummarisedPart[] = [];
  for (const [at, { kind, part }] of carried.entries()) {
    const path = kind === 'rewritten' ? part.path : bare.get(part.sha256);
    if (path === undefined) continue;
    const rows = `SELECT * FROM ${parquetRows([path])}`;
    const name = `known-keys-${at}.parquet`;
    summaries.push({
      part: part.sha256,
      ...(await summarisePart(database, { rows, key, folder: outputFolder, name })),
    });
  }
  return summaries;
}
