import { availableParallelism } from 'node:os';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { Cell } from '../../../contracts/data/data-types.ts';
import { cellOf } from '../typing/cells.ts';
import { literal } from '../sql.ts';

export interface DatabaseAccess {
  /** Files that may be read. */
  readonly files: readonly string[];
  /** Folders that may be written to. */
  readonly folders: readonly string[];
  /** Existing folder for rows that do not fit in memory. */
  readonly spillFolder: string;
  /** Memory limit, e.g. `1GiB`. It bounds DuckDB's buffers, not the process. */
  readonly memoryLimit: string;
  /** Time zone in which conversions read naive timestamps. */
  readonly timezone: string;
  /** Whether `runInParallel` may use several threads, until `lock` is called. */
  readonly isParallelAtFirst?: boolean;
}

export interface LockedDatabase {
  readonly connection: DuckDBConnection;
  run(sql: string): Promise<void>;
  /** Returns all rows. Only for small results. */
  rows(sql: string): Promise<readonly Readonly<Record<string, Cell>>[]>;
  /** Returns the first row. Throws if there is none. */
  row(sql: string): Promise<Readonly<Record<string, Cell>>>;
}

export interface OpenedDatabase extends LockedDatabase {
  /**
   * Runs a statement on several threads; on one if the configuration is locked. Only for statements whose result does
   * not depend on the number of threads.
   */
  runInParallel(sql: string): Promise<void>;
  /** Locks the configuration. A database is locked from the beginning, unless it was opened as parallel at first. */
  lock(): Promise<void>;
  /**
   * Two more connections to the same tables, for queries that run at the same time. Their time zone is UTC, and their
   * temporary tables are their own.
   */
  readonly asides: readonly [LockedDatabase, LockedDatabase];
}

const threadsAtMost = 4;

/** An empty database that was opened before the call was known that uses it. It is not locked yet. */
export interface EmptyDatabase {
  readonly connection: DuckDBConnection;
  readonly asides: readonly [DuckDBConnection, DuckDBConnection];
}

export async function openEmptyDatabase(): Promise<EmptyDatabase> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const [connection, ...asides] = [
    await instance.connect(),
    await instance.connect(),
    await instance.connect(),
  ] as const;
  for (const aside of asides) await aside.run("SET TimeZone = 'UTC'");
  return { connection, asides };
}

/**
 * Opens an in-memory database that can access the given files and folders and nothing else: no other path, no network
 * and no extension. SQL cannot change that. Each query runs on one thread, so that the same rows are written as the
 * same bytes.
 */
export async function openLockedDatabase(access: DatabaseAccess, empty?: EmptyDatabase): Promise<OpenedDatabase> {
  const { connection, asides } = empty ?? (await openEmptyDatabase());
  const settings = [
    `SET memory_limit = ${literal(access.memoryLimit)}`,
    `SET temp_directory = ${literal(access.spillFolder)}`,
    `SET TimeZone = ${literal(access.timezone)}`,
    'SET preserve_insertion_order = true',
    'SET autoinstall_known_extensions = false',
    'SET autoload_known_extensions = false',
    `SET allowed_paths = [${access.files.map(literal).join(', ')}]`,
    `SET allowed_directories = [${access.folders.map(literal).join(', ')}]`,
    'SET enable_external_access = false',
  ];
  for (const setting of settings) await connection.run(setting);
  let isLocked = false;
  const lock = async (): Promise<void> => {
    await connection.run('SET lock_configuration = true');
    isLocked = true;
  };
  if (access.isParallelAtFirst !== true) await lock();
  const runInParallel = async (sql: string): Promise<void> => {
    if (!isLocked) await connection.run(`SET threads = ${Math.min(threadsAtMost, availableParallelism())}`);
    try {
      await connection.run(sql);
    } finally {
      if (!isLocked) await connection.run('SET threads = 1');
    }
  };
  return { ...connected(connection), asides: [connected(asides[0]), connected(asides[1])], runInParallel, lock };
}

function connected(connection: DuckDBConnection): LockedDatabase {
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
      if (first === undefined) throw new Error(`the query returned no row: ${sql}`);
      return first;
    },
  };
}
