import type { Column } from '../../../contracts/data/data-types.ts';
import type { DatasetProfile } from '../../../contracts/data/dataset-version.ts';
import type { Sha256 } from '../../../contracts/identifiers.ts';
import type { PrepareBatch, PreparedBatch, SummarisedPart } from '../../../ports/table-engine.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { parquetRows } from '../sql.ts';
import { summarisePart } from './part-facts.ts';
import { profileOf } from './profile.ts';
import { type OrderedRows, partSlices } from './write-parts.ts';

interface Describing {
  /** Columns to be profiled; null: none. */
  readonly columns: readonly Column[] | null;
  readonly summarise: boolean;
  readonly key: string | undefined;
  readonly folder: string;
}

export interface DescribedRows {
  readonly profile: DatasetProfile | null;
  /** Summaries of the parts that `writeParts` makes of the rows, in its order. */
  readonly summaries: readonly Omit<SummarisedPart, 'part'>[];
}

/** Profiles ordered rows and summarises the parts that they become. The connection's time zone must be UTC. */
export async function describeRows(
  database: LockedDatabase,
  ordered: OrderedRows,
  { columns, summarise, key, folder }: Describing,
): Promise<DescribedRows> {
  const profile = columns === null ? null : await profileOf(database, ordered.table, columns);
  const summaries: Omit<SummarisedPart, 'part'>[] = [];
  for (const [at, { unordered }] of (summarise ? partSlices(ordered) : []).entries())
    summaries.push(await summarisePart(database, { rows: unordered, key, folder, name: `keys-${at}.parquet` }));
  return { profile, summaries };
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
