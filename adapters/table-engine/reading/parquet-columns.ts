import { castCandidates, instantInNanoseconds, noType } from '../typing/casts.ts';
import { arrowDurations } from './arrow-durations.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { literal, parquetRows } from '../sql.ts';

export interface ParquetColumn {
  readonly name: string;
  /** As `casts.ts` names it; for one that rows are not kept in, as people call it. */
  readonly type: string;
  readonly isKept: boolean;
  /** Its values may have more digits than DuckDB reads, and nothing shows whether they do. */
  readonly isCut: boolean;
}

/** The columns of a file, with what DuckDB's own description of them leaves out or has wrong. */
export async function parquetColumns(database: LockedDatabase, path: string): Promise<readonly ParquetColumn[]> {
  const described = await database.rows(`DESCRIBE SELECT * FROM ${parquetRows([path])}`);
  const stored = await storedTypes(database, path);
  const durations = await durationsOf(database, path);
  return described.map(({ column_name, column_type }, at) => {
    const name = String(column_name);
    const { logical = '', physical } = stored[at] ?? {};
    const type = durations.has(name) ? 'duration' : typeOf(String(column_type), logical);
    return { name, type, isKept: castCandidates(type) !== undefined, isCut: physical === 'INT96' };
  });
}

function typeOf(type: string, logical: string): string {
  if (logical.startsWith('NullType')) return noType;
  // DuckDB reads instants of nanoseconds as microseconds.
  if (type === 'TIMESTAMP WITH TIME ZONE' && logical.includes('NANOS=NanoSeconds')) return instantInNanoseconds;
  // DuckDB reads decimals of more than 38 digits as other numbers.
  const decimal = /^DecimalType\(scale=(\d+), precision=(\d+)\)/.exec(logical);
  if (decimal !== null && !type.startsWith('DECIMAL')) return `decimal of ${decimal[2]} digits`;
  return type;
}

interface StoredAs {
  readonly logical: string;
  readonly physical: string;
}

/** How the columns are stored, in their order; those within a nested column are left out. */
async function storedTypes(database: LockedDatabase, path: string): Promise<readonly StoredAs[]> {
  const nodes = await database.rows(
    `SELECT num_children AS children, type, logical_type FROM parquet_schema(${literal(path)})`,
  );
  const types: StoredAs[] = [];
  let within = 0;
  for (const { children, type, logical_type } of nodes.slice(1)) {
    if (within === 0) types.push({ logical: String(logical_type ?? ''), physical: String(type ?? '') });
    else within -= 1;
    within += Number(children ?? 0);
  }
  return types;
}

/** Columns that Arrow wrote as whole numbers and that are durations: only its own schema says so. */
async function durationsOf(database: LockedDatabase, path: string): Promise<ReadonlySet<string>> {
  const [found] = await database.rows(
    `SELECT decode(value) AS schema FROM parquet_kv_metadata(${literal(path)}) WHERE decode(key) = 'ARROW:schema'`,
  );
  return new Set(found === undefined ? [] : arrowDurations(Buffer.from(String(found.schema), 'base64')));
}
