import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { Cell } from '../../../contracts/data/data-types.ts';
import { cellOf } from '../typing/cells.ts';
import { literal } from '../sql.ts';

export interface DatabaseAccess {
  /** Files that may be read. */
  readonly files: readonly string[];
  /** Folders that may be written to. */
  readonly folders: readonly string[];
  /** An existing folder for what does not fit in memory. */
  readonly spillFolder: string;
  /** e.g. `1GiB`; bounds DuckDB's buffers, not the process. */
  readonly memoryLimit: string;
  /** What naive timestamps mean in conversions. */
  readonly timezone: string;
}

export interface LockedDatabase {
  readonly connection: DuckDBConnection;
  run(sql: string): Promise<void>;
  /** All rows; for results that are small. */
  rows(sql: string): Promise<readonly Readonly<Record<string, Cell>>[]>;
  /** The first row of a result that has one. */
  row(sql: string): Promise<Readonly<Record<string, Cell>>>;
}

/**
 * A database in memory that reaches the files and folders named, and nothing else: no other path, no network, no
 * extension, and no way to change that by SQL. One thread, so that the same rows are written as the same bytes.
 */
export async function openLockedDatabase(access: DatabaseAccess): Promise<LockedDatabase> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: access.memoryLimit,
    temp_directory: access.spillFolder,
  });
  const connection = await instance.connect();
  const settings = [
    `SET TimeZone = ${literal(access.timezone)}`,
    'SET preserve_insertion_order = true',
    'SET autoinstall_known_extensions = false',
    'SET autoload_known_extensions = false',
    `SET allowed_paths = [${access.files.map(literal).join(', ')}]`,
    `SET allowed_directories = [${access.folders.map(literal).join(', ')}]`,
    'SET enable_external_access = false',
    'SET lock_configuration = true',
  ];
  for (const setting of settings) await connection.run(setting);
  const rows = async (sql: string): Promise<readonly Readonly<Record<string, Cell>>[]> => {
    const reader = await connection.runAndReadAll(sql);
    const names = reader.deduplicatedColumnNames();
    return reader
      .getRows()
      .map((values) => Object.fromEntries(values.map((value, at) => [names[at] ?? '', cellOf(value)])));
  };
  return {
    connection,
    run: async (sql) => void (await connection.run(sql)),
    rows,
    row: async (sql) => {
      const [first] = await rows(sql);
      if (first === undefined) throw new Error(`no row came of: ${sql}`);
      return first;
    },
  };
}
