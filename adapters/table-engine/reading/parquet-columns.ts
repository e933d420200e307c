import { castCandidates, instantInNanoseconds, noType } from '../typing/casts.ts';
import { arrowDurations } from './arrow-durations.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { literal, parquetRows } from '../sql.ts';

export interface ParquetColumn {
  readonly name: string;
  /** Type as named in `casts.ts`; for an unsupported type, its usual name, for messages. */
  readonly type: string;
  readonly isKept: boolean;
  /** Whether its values may have more digits than DuckDB reads. The file does not show whether they do. */
  readonly isCut: boolean;
}

/** Returns the columns of a file, and corrects and completes DuckDB's own description of their types. */
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
  // DuckDB reads decimals of more than 38 digits as another type.
  const decimal = /^DecimalType\(scale=(\d+), precision=(\d+)\)/.exec(logical);
  if (decimal !== null && !type.startsWith('DECIMAL')) return `decimal of ${decimal[2]} digits`;
  return type;
}

interface StoredAs {
  readonly logical: string;
  readonly physical: string;
}

/** Returns how the top-level columns are stored, in their order; columns inside a nested column are left out. */
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

/**
 * Returns the columns that are durations. Arrow stores durations as whole numbers, and only the Arrow schema in the
 * file's metadata identifies them.
 */
async function durationsOf(database: LockedDatabase, path: string): Promise<ReadonlySet<string>> {
  const [found] = await database.rows(
    `SELECT decode(value) AS schema FROM parquet_kv_metadata(${literal(path)}) WHERE decode(key) = 'ARROW:schema'`,
  );
  return new Set(found === undefined ? [] : arrowDurations(Buffer.from(String(found.schema), 'base64')));
}
