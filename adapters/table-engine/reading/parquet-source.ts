import { join } from 'node:path';
import type { DataWarning } from '../../../contracts/data/data-warning.ts';
import { PerennialError, reasonOf } from '../../../contracts/errors.ts';
import { instantInNanoseconds } from '../typing/casts.ts';
import { checkNames } from '../typing/fields.ts';
import {
  indexLeftOut,
  isQuarantine,
  leaveOutUnkept,
  quarantineLeftOut,
  unnamedIndex,
  withoutQuarantine,
} from './left-out.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { withNaiveNanoseconds } from './naive-nanoseconds.ts';
import { type ParquetColumn, parquetColumns } from './parquet-columns.ts';
import type { LoadOptions, LoadedFile, Source } from './source.ts';
import { countRows, exceptNulls, refuseLongText } from './source.ts';
import { finiteColumns } from './finite-columns.ts';
import { saidByDuckDb } from '../process/said-by-duckdb.ts';
import { identifier, parquetRows } from '../sql.ts';

/**
 * Loads a Parquet file into a table with the columns' own types. Columns of unsupported types that nothing reads are
 * left out.
 */
export async function loadParquet(
  database: LockedDatabase,
  file: LoadedFile,
  table: string,
  options: LoadOptions,
): Promise<Source> {
  const found = await readable(file, () => parquetColumns(database, file.path));
  const isRefused = isQuarantine(found.map(({ name }) => name));
  const described = isRefused ? withoutQuarantine(found) : found;
  if (isRefused) options.warn(quarantineLeftOut(file));
  checkNames(
    described.map(({ name }) => name),
    file.name,
  );
  const indexes = described.filter(({ name }) => unnamedIndex.test(name) && options.plan.readerOf(name) === undefined);
  const typed = keptColumns(
    file,
    described.filter((column) => !indexes.includes(column)),
    options,
  );
  const { columns, withNaN } = await readable(file, () => finiteColumns(database, file, typed, options));
  const path = await exactPath(file, columns, join(options.folder, `${table}.parquet`));
  const selected = columns.map(({ name, type }) => {
    const column = identifier(name);
    if (type === 'VARCHAR') return `${exceptNulls(column, options.nulls)} AS ${column}`;
    return withNaN.has(name) ? `CASE WHEN NOT isnan(${column}) THEN ${column} END AS ${column}` : column;
  });
  await readable(file, () =>
    database.run(
      `CREATE TABLE ${table} AS SELECT ${['row_number() OVER () AS "_row"', ...selected].join(', ')} FROM ${parquetRows([path])}`,
    ),
  );
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  const source: Source = { file, table, names: [...types.keys()], types, rows: await countRows(database, table) };
  for (const { name } of indexes) options.warn(indexLeftOut(file, name, source.rows));
  for (const { name } of columns.filter(({ isCut }) => isCut)) options.warn(cutToMicroseconds(file, name, source.rows));
  const texts = [...types].flatMap(([name, type]) => (type === 'VARCHAR' ? [name] : []));
  await refuseLongText(database, source, texts);
  return source;
}

async function readable<Result>(file: LoadedFile, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (caught) {
    if (caught instanceof PerennialError || /^(Out of Memory|Permission) Error/.test(reasonOf(caught))) throw caught;
    throw new PerennialError(
      'data-unreadable',
      `${file.name} cannot be read as Parquet: ${flawOf(caught)}; write the file again, or send it again`,
      { file: file.name },
      { cause: caught },
    );
  }
}

function flawOf(caught: unknown): string {
  const said = saidByDuckDb(caught);
  return /magic bytes|too small|footer/i.test(said)
    ? 'it does not end like a Parquet file, so it is cut off or has another format'
    : `a part of it is broken (${said})`;
}

function keptColumns(
  file: LoadedFile,
  described: readonly ParquetColumn[],
  { plan, warn }: LoadOptions,
): readonly ParquetColumn[] {
  return described.flatMap((column) => {
    if (plan.isIgnored(column.name)) return [];
    if (column.isKept) return [column];
    leaveOutUnkept(file, { ...column, wayOut: wayOutOf(column) }, plan, warn);
    return [];
  });
}

function cutToMicroseconds(file: LoadedFile, name: string, rows: number): DataWarning {
  const message = `${file.name}: the times of "${name}" (${rows} rows) are stored as INT96 and are read to the microsecond; further digits are cut off. To make sure that there are none, write the times in microseconds (in Spark, spark.sql.parquet.outputTimestampType is TIMESTAMP_MICROS)`;
  return { level: 'guess', kind: 'converted', column: name, count: rows, example: 'INT96', message };
}

function wayOutOf({ type }: ParquetColumn): string {
  if (type === 'duration' || type === 'INTERVAL') return 'write it as a number, such as seconds';
  if (type.startsWith('decimal')) return 'write it as text';
  if (type === 'BLOB') return 'write it as text, such as base64';
  return 'write each of its values as a separate column, or the whole value as text';
}

async function exactPath(file: LoadedFile, columns: readonly ParquetColumn[], copy: string): Promise<string> {
  if (!columns.some(({ type }) => type === instantInNanoseconds)) return file.path;
  await withNaiveNanoseconds(file.path, copy);
  return copy;
}
