import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { PrepareBatch } from '../../ports/table-engine.ts';
import { readCsvHeader } from './csvHeader.ts';
import { lineOfRecord, scanCsv } from './csvRecords.ts';
import { type StoredType, checkNames } from './fields.ts';
import type { Database } from './lockedDatabase.ts';
import { identifier, identifiers, literal, parquetRows } from './sql.ts';

type BatchFile = PrepareBatch['files'][number];

/** One file of a batch as a table: `_row` (from 1) and its columns, of text for CSV and of their own types for Parquet. */
export interface Source {
  readonly file: BatchFile;
  readonly table: string;
  readonly names: readonly string[];
  /** Of CSV. */
  readonly delimiter?: string;
  /** Absent for CSV: its columns are text. */
  readonly stored?: ReadonlyMap<string, StoredType>;
  readonly rows: number;
}

export async function loadSources(database: Database, files: readonly BatchFile[]): Promise<readonly Source[]> {
  if (files.length === 0) throw new PerennialError('data-empty', 'the batch has no files', {});
  const sources: Source[] = [];
  for (const [at, file] of files.entries()) {
    const source =
      file.format === 'csv'
        ? await loadCsv(database, file, `source_${at}`)
        : await loadParquet(database, file, `source_${at}`);
    if (source.rows === 0)
      throw new PerennialError('data-empty', `${file.name} has no rows; it must have at least one below its header`, {
        file: file.name,
      });
    sources.push(source);
  }
  return sources;
}

/** How a person finds a row again: `hour.csv, line 7`. */
export async function placeOf(source: Source, row: number): Promise<{ readonly text: string; readonly line: number }> {
  if (source.delimiter === undefined) return { text: `${source.file.name}, row ${row}`, line: row };
  const line = await lineOfRecord(source.file.path, source.delimiter, row + 1, {
    countBlank: source.names.length === 1,
  });
  return { text: `${source.file.name}, line ${line}`, line };
}

async function loadCsv(database: Database, file: BatchFile, table: string): Promise<Source> {
  const { delimiter, names } = await readCsvHeader(file.path, file.name);
  checkNames(names, file.name);
  const { records, openQuote } = await scanCsv(file.path, delimiter);
  if (openQuote !== undefined) throw unreadable(file, 'a quote is opened and never closed', openQuote);
  const columns = names.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  const options = `auto_detect = false, header = true, all_varchar = true, strict_mode = true, null_padding = false, parallel = false, delim = ${literal(delimiter)}, quote = '"', escape = '"', columns = {${columns}}`;
  try {
    await database.run(
      `CREATE TABLE ${table} AS SELECT row_number() OVER () AS "_row", * FROM read_csv(${literal(file.path)}, ${options})`,
    );
  } catch (caught) {
    throw await csvUnreadable(caught, file, delimiter, names.length);
  }
  const rows = await countRows(database, table);
  // Of a single column a blank line is a row without a value.
  if (rows < records - 1 || (names.length > 1 && rows !== records - 1))
    throw unreadable(file, `${records - 1} rows are there and ${rows} could be read; look for stray quotes`);
  return { file, table, names, delimiter, rows };
}

/** Turns DuckDB's report, which counts records and names options that nobody can set, into file, line and reason. */
async function csvUnreadable(caught: unknown, file: BatchFile, delimiter: string, width: number): Promise<unknown> {
  const said = reasonOf(caught);
  if (!said.startsWith('Invalid Input Error') && !said.startsWith('Conversion Error')) return caught;
  const record = Number(/CSV Error on Line: (\d+)/.exec(said)?.[1]);
  const line = Number.isNaN(record)
    ? undefined
    : await lineOfRecord(file.path, delimiter, record, { countBlank: true });
  const found = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(said);
  return unreadable(file, csvReason(said, found?.[2], width), line, caught);
}

function unreadable(file: BatchFile, reason: string, line?: number, cause?: unknown): PerennialError {
  const place = line === undefined ? file.name : `${file.name}, line ${line}`;
  return new PerennialError(
    'data-unreadable',
    `${place}: ${reason}`,
    { file: file.name, ...(line === undefined ? {} : { line }) },
    { cause },
  );
}

function csvReason(said: string, found: string | undefined, width: number): string {
  if (found !== undefined)
    return `${found} values where the header names ${width} columns; a value that holds the delimiter must be quoted`;
  if (said.includes('unterminated quote'))
    return 'a quote is opened and not closed, or text follows the closing one; within quotes, a quote is written twice';
  if (said.includes('not utf-8')) return 'it is not UTF-8; save the file as UTF-8';
  if (said.includes('Maximum line size')) return 'the line is longer than 2,000,000 bytes';
  return `it is no CSV that can be read for sure, e.g. because its line ends differ (${said.split('\n')[0] ?? ''})`;
}

async function loadParquet(database: Database, file: BatchFile, table: string): Promise<Source> {
  try {
    await database.run(`CREATE TABLE raw_${table} AS SELECT * FROM ${parquetRows([file.path])}`);
  } catch (caught) {
    if (/^(Out of Memory|Permission) Error/.test(reasonOf(caught))) throw caught;
    throw new PerennialError(
      'data-unreadable',
      `${file.name} is no Parquet file that can be read: ${reasonOf(caught).split('\n')[0] ?? ''}`,
      { file: file.name },
      { cause: caught },
    );
  }
  const described = await database.rows(`DESCRIBE raw_${table}`);
  const names = described.map((column) => String(column.column_name));
  checkNames(names, file.name);
  const stored = new Map(
    described.map((column) => [
      String(column.column_name),
      storedFor(file, String(column.column_name), String(column.column_type)),
    ]),
  );
  const columns = [...stored].map(([name, type]) => `CAST(${identifier(name)} AS ${type}) AS ${identifier(name)}`);
  try {
    await database.run(
      `CREATE TABLE ${table} AS SELECT row_number() OVER () AS "_row", ${columns.join(', ')} FROM raw_${table}`,
    );
  } catch (caught) {
    throw new PerennialError(
      'data-unreadable',
      `${file.name} has a number that does not fit into 64 bits: ${reasonOf(caught).split('\n')[0] ?? ''}`,
      { file: file.name },
      { cause: caught },
    );
  }
  await database.run(`DROP TABLE raw_${table}`);
  const source: Source = { file, table, names, stored, rows: await countRows(database, table) };
  await refuseNotFinite(database, source);
  return source;
}

function storedFor(file: BatchFile, name: string, type: string): StoredType {
  if (type === 'BOOLEAN' || type === 'DATE' || type === 'TIMESTAMP WITH TIME ZONE') return type;
  if (/^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/.test(type)) return 'BIGINT';
  if (type === 'FLOAT' || type === 'DOUBLE' || type.startsWith('DECIMAL')) return 'DOUBLE';
  if (type === 'VARCHAR' || type === 'UUID' || type.startsWith('ENUM')) return 'VARCHAR';
  if (/^TIMESTAMP(_S|_MS|_NS)?$/.test(type)) return 'TIMESTAMP';
  throw new PerennialError(
    'data-unreadable',
    `${file.name} has a column "${name}" of type ${type}; boolean, integer, number, string, timestamp and date are kept. Leave it out or write it as one of them`,
    { file: file.name, column: name, type },
  );
}

async function refuseNotFinite(database: Database, source: Source): Promise<void> {
  for (const [name, type] of source.stored ?? []) {
    if (type !== 'DOUBLE') continue;
    const [found] = await database.rows(
      `SELECT "_row" AS row, CAST(${identifier(name)} AS VARCHAR) AS value FROM ${source.table} WHERE NOT isfinite(${identifier(name)}) ORDER BY "_row" LIMIT 1`,
    );
    if (found)
      throw new PerennialError(
        'data-unreadable',
        `${source.file.name}, row ${found.row}: "${name}" is ${found.value}, which is no value; write null where there is none`,
        { file: source.file.name, line: Number(found.row), column: name },
      );
  }
}

async function countRows(database: Database, table: string): Promise<number> {
  return Number((await database.row(`SELECT count(*) AS rows FROM ${identifiers([table])}`)).rows);
}
