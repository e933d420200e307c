import type { DataWarning } from '../../../contracts/data/data-warning.ts';
import { reasonOf } from '../../../contracts/errors.ts';
import { type CsvHeader, readCsvHeader, refuseComment } from './csv-header.ts';
import { type StoredType, checkNames } from '../typing/fields.ts';
import { holdsWholeNumbers, isQuarantine, quarantineLeftOut, withIndexNames, withoutQuarantine } from './left-out.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { LoadedFile, LoadOptions, Source } from './source.ts';
import { countRows, exceptNulls, refuseFlaw, unreadable } from './source.ts';
import { identifier, literal } from '../sql.ts';
import { lineOfRecord, scanRecords } from './text-records.ts';

/** Loads a CSV file into a table, with all columns as text. */
export async function loadCsv(
  database: LockedDatabase,
  file: LoadedFile,
  table: string,
  { nulls, warn }: LoadOptions,
): Promise<Source> {
  const header = await readCsvHeader(file.path, file.name);
  const { delimiter } = header;
  const isRefused = isQuarantine(header.names);
  const given = isRefused ? withoutQuarantine(header.names) : header.names;
  const names = withIndexNames(given);
  checkNames(names, file.name);
  if (isRefused) warn(quarantineLeftOut(file));
  if (delimiter !== ',') warn(delimiterGuess(file, delimiter, names.length));
  const { records, openQuote, flaw, quotedEmpty, quotesAll } = await scanRecords(file.path, delimiter);
  refuseFlaw(file, flaw);
  if (openQuote !== undefined) throw unreadable(file, 'a quote is opened and never closed', openQuote);
  // If every field is quoted, quotes do not distinguish empty text from a missing value.
  const isMissing = (quotesAll && names.length > 1) || nulls.includes('');
  if (quotedEmpty > 0 && !nulls.includes('')) warn(emptyTextGuess(file, quotedEmpty, isMissing));
  const leftOut = header.names.slice(0, header.names.length - names.length);
  const rowsOfFile = csvRows(file.path, { delimiter, names: [...leftOut, ...names] }, { isMissing, parallel: false });
  const texts = names.map((name) => `${exceptNulls(identifier(name), nulls)} AS ${identifier(name)}`).join(', ');
  try {
    await database.run(
      `CREATE TABLE ${table} AS SELECT row_number() OVER () AS "_row", ${nulls.length + leftOut.length === 0 ? '*' : texts} FROM ${rowsOfFile}`,
    );
  } catch (caught) {
    throw await csvUnreadable(caught, file, delimiter, header.names.length);
  }
  const rows = await countRows(database, table);
  // In a file with one column, a blank line is a row with a missing value.
  if (rows < records - 1 || (names.length > 1 && rows !== records - 1))
    throw unreadable(file, `the file has ${records - 1} rows, but ${rows} were read; look for stray quotes`);
  const hasEmptyText = quotedEmpty > 0 && !isMissing;
  const source: Source = { file, table, names, text: { delimiter, before: 1 }, hasEmptyText, rows };
  for (const [at, name] of names.entries())
    if (given[at] === '' && !(await holdsWholeNumbers(database, source, name))) checkNames(given, file.name);
  return source;
}

interface CsvReading {
  /** Whether an empty quoted field is a missing value. */
  readonly isMissing: boolean;
  /** Takes less memory, but fails for files that DuckDB cannot read in pieces. */
  readonly parallel: boolean;
  /** Types of columns that are not read as text. */
  readonly types?: ReadonlyMap<string, StoredType>;
}

/** Returns SQL that reads a CSV file, with columns as text unless they have a type. */
export function csvRows(
  path: string,
  { delimiter, names }: CsvHeader,
  { isMissing, parallel, types }: CsvReading,
): string {
  const columns = names.map((name) => `${literal(name)}: '${types?.get(name) ?? 'VARCHAR'}'`).join(', ');
  return `read_csv(${literal(path)}, auto_detect = false, header = true, strict_mode = true, null_padding = false, parallel = ${parallel}, allow_quoted_nulls = ${isMissing}, delim = ${literal(delimiter)}, quote = '"', escape = '"', columns = {${columns}})`;
}

export function delimiterGuess(file: LoadedFile, delimiter: string, count: number): DataWarning {
  const name = delimiter === '\t' ? 'tab' : delimiter;
  const message = `${file.name} is read with the delimiter "${name}", the most frequent one in its first line: ${count} columns; if this is wrong, write the file with commas`;
  return { level: 'guess', kind: 'delimiter', column: null, count, example: name, message };
}

function emptyTextGuess(file: LoadedFile, count: number, isMissing: boolean): DataWarning {
  const message = isMissing
    ? `${file.name} quotes every field, so its ${count} empty fields ("") are read as missing values; to keep them as empty text, write missing values without quotes`
    : `${file.name} has ${count} empty quoted fields (""), which are read as empty text in text columns and as missing values in other columns; if all of them mean a missing value, set data.nulls: [""]`;
  return { level: 'guess', kind: 'empty-text', column: null, count, example: '""', message };
}

/**
 * Turns DuckDB's error, which counts records and names options that users cannot set, into an error with file, line and
 * reason.
 */
async function csvUnreadable(caught: unknown, file: LoadedFile, delimiter: string, width: number): Promise<unknown> {
  const said = reasonOf(caught);
  if (!said.startsWith('Invalid Input Error') && !said.startsWith('Conversion Error')) return caught;
  const record = Number(/CSV Error on Line: (\d+)/.exec(said)?.[1]);
  const line = Number.isNaN(record)
    ? undefined
    : await lineOfRecord(file.path, delimiter, record, { countBlank: true });
  const found = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(said);
  if (found !== null) await refuseComment(file);
  return unreadable(file, csvReason(said, found?.[2], width), line, caught);
}

function csvReason(said: string, found: string | undefined, width: number): string {
  if (found !== undefined)
    return `the line has ${found} values, but the header names ${width} columns; a value that contains the delimiter must be quoted`;
  if (said.includes('unterminated quote'))
    return 'a quote is opened and not closed, or text follows the closing quote; a quote within quotes must be written twice';
  if (said.includes('not utf-8')) return 'it is not UTF-8; save the file as UTF-8';
  return 'it cannot be read reliably as CSV, most likely because its line endings differ, as in files that were joined; use the same line ending everywhere, for example with dos2unix';
}
