import { PerennialError } from '../../../contracts/errors.ts';
import type { PrepareBatch } from '../../../ports/table-engine.ts';
import type { ColumnPlan } from '../windows/column-plan.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { identifier, identifiers, literal } from '../sql.ts';
import { type Delimiter, type RecordScan, lineOfRecord, linesOfRecords, longestCell } from './text-records.ts';
import type { Warn } from '../typing/warn.ts';

export type LoadedFile = PrepareBatch['files'][number];

export interface LoadOptions {
  /** Texts that mean a missing value. */
  readonly nulls: readonly string[];
  readonly warn: Warn;
  readonly plan: ColumnPlan;
  /** Folder for temporary files. */
  readonly folder: string;
}

/** Kind of a JSON value. A column holds values of one kind, and nulls. */
export type JsonKind = 'boolean' | 'number' | 'string';

/**
 * One file of a batch, loaded into a table: `_row` (from 1) and the file's columns, as text for CSV and NDJSON and in
 * their own types for Parquet. The table may have columns that are not in `names`; they are ignored.
 */
export interface Source {
  readonly file: LoadedFile;
  readonly table: string;
  readonly names: readonly string[];
  /** CSV and NDJSON: the delimiter of cells, and the number of records before the first row. */
  readonly text?: { readonly delimiter: Delimiter; readonly before: 0 | 1 };
  /**
   * CSV: whether quoted empty fields occur. They are empty text in a text column and missing values in other columns.
   */
  readonly hasEmptyText?: boolean;
  /** NDJSON: the kind of each column's values; a column whose kind is unknown has no entry. */
  readonly kinds?: ReadonlyMap<string, JsonKind>;
  /** Parquet: the types of the columns as named in `casts.ts`. Absent for formats whose columns are all text. */
  readonly types?: ReadonlyMap<string, string>;
  readonly rows: number;
}

/** Returns where a person finds a row in its file, e.g. `hour.csv, line 7`. */
export async function placeInFile(
  source: Source,
  row: number,
): Promise<{ readonly text: string; readonly line: number }> {
  const { text, file, names } = source;
  if (text === undefined) return { text: `${file.name}, row ${row}`, line: row };
  const line = await lineOfRecord(file.path, text.delimiter, row + text.before, countingOf(text, names));
  return { text: `${file.name}, line ${line}`, line };
}

/**
 * Returns the line numbers of rows, which must be in ascending order. For Parquet, returns the row numbers themselves.
 */
export async function linesOf({ text, file, names }: Source, rows: readonly number[]): Promise<readonly number[]> {
  if (text === undefined || rows.length === 0) return rows;
  const records = rows.map((row) => row + text.before);
  return linesOfRecords(file.path, text.delimiter, records, countingOf(text, names));
}

/** In a CSV file with one column, a blank line is a row with a missing value. */
function countingOf(text: NonNullable<Source['text']>, names: readonly string[]): { readonly countBlank: boolean } {
  return { countBlank: text.delimiter !== null && names.length === 1 };
}

export function unreadable(file: LoadedFile, reason: string, line?: number, cause?: unknown): PerennialError {
  const place = line === undefined ? file.name : `${file.name}, line ${line}`;
  return new PerennialError(
    'data-unreadable',
    `${place}: ${reason}`,
    { file: file.name, ...(line === undefined ? {} : { line }) },
    { cause },
  );
}

/**
 * Throws for a flaw found by the scan of a text file: `data-unreadable` for a NUL byte, `too-large` for a value or line
 * that is too long.
 */
export function refuseFlaw(file: LoadedFile, flaw: RecordScan['flaw']): void {
  if (flaw === undefined) return;
  const { kind, line } = flaw;
  if (kind === 'nul')
    throw unreadable(
      file,
      'it contains a NUL byte, which is not allowed in text; save the file as UTF-8 text without NUL bytes',
      line,
    );
  const reason =
    kind === 'long-cell'
      ? `a value is longer than ${longestCell} bytes; shorten it, leave its column out, or close the quote that is open before it`
      : 'the line is too long to be read at once; shorten its values, or leave columns out';
  throw new PerennialError('too-large', `${file.name}, line ${line}: ${reason}`, { file: file.name, line });
}

/** Throws the errors of `refuseFlaw` for texts that are already in a table. */
export async function refuseLongText(
  database: LockedDatabase,
  source: Source,
  texts: readonly string[],
): Promise<void> {
  if (texts.length === 0) return;
  const firstRow = (condition: string): string => `min("_row") FILTER (WHERE ${condition})`;
  const found = await database.row(
    `SELECT ${texts
      .map((name, at) => {
        const column = identifier(name);
        return `${firstRow(`strlen(${column}) > ${longestCell}`)} AS l${at}, ${firstRow(`contains(${column}, chr(0))`)} AS n${at}`;
      })
      .join(', ')} FROM ${source.table}`,
  );
  for (const at of texts.keys()) {
    const [long, nul] = [found[`l${at}`], found[`n${at}`]];
    if (typeof long === 'number')
      refuseFlaw(source.file, { kind: 'long-cell', line: (await placeInFile(source, long)).line });
    if (typeof nul === 'number') refuseFlaw(source.file, { kind: 'nul', line: (await placeInFile(source, nul)).line });
  }
}

/** Returns SQL of a text that is null if the text means a missing value. */
export function exceptNulls(text: string, nulls: readonly string[]): string {
  return nulls.length === 0 ? text : `CASE WHEN ${text} NOT IN (${nulls.map(literal).join(', ')}) THEN ${text} END`;
}

export async function countRows(database: LockedDatabase, table: string): Promise<number> {
  return Number((await database.row(`SELECT count(*) AS rows FROM ${identifiers([table])}`)).rows);
}
