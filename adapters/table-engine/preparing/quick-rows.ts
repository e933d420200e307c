import type { DataWarning } from '../../../contracts/data/data-warning.ts';
import { PerennialError, reasonOf } from '../../../contracts/errors.ts';
import type { PrepareBatch } from '../../../ports/table-engine.ts';
import { anyForm, formBit, longNumberBit, unknownBit } from '../reading/cell-forms.ts';
import { csvRows, delimiterGuess } from '../reading/csv-source.ts';
import { type CsvHeader, readCsvHeader } from '../reading/csv-header.ts';
import { isQuarantine, unnamed } from '../reading/left-out.ts';
import { warnOfNames } from '../reading/load-sources.ts';
import { type CellScan, type CellsOfColumn, scanCells } from '../reading/scan-cells.ts';
import { exceptNulls, type LoadedFile, type Source } from '../reading/source.ts';
import { castIn } from '../reading/source-casts.ts';
import { type Declared, declaredColumns, readingOf } from '../typing/declared.ts';
import { type Field, type StoredType, checkNames } from '../typing/fields.ts';
import { fitsExactly, isLong, type Reading } from '../typing/spellings.ts';
import { openTexts, withoutType } from '../typing/type-warnings.ts';
import type { Warn } from '../typing/warn.ts';
import { columnPlan } from '../windows/column-plan.ts';
import type { LockedDatabase, OpenedDatabase } from '../process/locked-database.ts';
import { identifier } from '../sql.ts';
import { instantsOfColumn } from './column-instants.ts';
import { dropRelation } from './relations.ts';
import { type Instants, instantsOf } from './row-instants.ts';

/** Rows at the beginning of a file that decide the types. */
const sampleRows = 10_000;
const table = 'quick_rows';
/** Column that is true for a row whose long numbers are all exact; a name that no file can have. */
const exactFlag = '"_broke"';

/** Rows of a batch that were read straight into their types. */
export interface QuickRows {
  readonly sources: readonly Source[];
  readonly fields: readonly Field[];
  readonly warnings: readonly DataWarning[];
  readonly instants: (Instants & { readonly timestamp: string }) | undefined;
  /** The table of all rows, in the order of the files, and SQL of `_at` over it. */
  readonly table: string;
  readonly at: string | undefined;
  /** Number of values by column. */
  readonly values: ReadonlyMap<string, number>;
}

interface QuickFile {
  readonly file: LoadedFile;
  readonly header: CsvHeader;
  readonly names: readonly string[];
}

interface Deciding {
  /** Returns the fields of rows of text. */
  decide(sources: readonly Source[], warn: Warn): Promise<readonly Field[]>;
  /** Throws for values in `united` and `timed` that are refused, and warns of others. */
  judge(rows: Omit<QuickRows, 'warnings'>, warn: Warn): Promise<void>;
}

/**
 * Reads CSV files straight into types, and creates `united` and, if rows have instants, `timed`: views of the rows as
 * the long way stores them. The types are decided by the first rows. While the database reads a file, this thread scans
 * the file's bytes; together with the number of values of each column, the scan proves that every value fits its type
 * and that nothing was lost. Returns undefined, and leaves nothing behind, if anything about the files needs a closer
 * look, such as an error with an exact place; the caller then reads them the long way.
 */
export async function quickRows(
  database: OpenedDatabase,
  request: PrepareBatch,
  files: readonly LoadedFile[],
  deciding: Deciding,
): Promise<QuickRows | undefined> {
  if (files.length === 0 || files.some(({ format }) => format !== 'csv')) return undefined;
  const warnings: DataWarning[] = [];
  const warn: Warn = (warning) => void warnings.push(warning);
  try {
    const found = await readQuickly(database, request, files, { deciding, warn });
    if (found !== undefined) {
      await viewRows(database, found);
      await deciding.judge(found, warn);
      if (found.instants !== undefined) await dropRelation(database, 'united');
      return { ...found, warnings };
    }
  } catch (caught) {
    // The long way finds the same flaw and reports its place.
    if (!(caught instanceof PerennialError) && !isAboutData(caught)) throw caught;
  }
  for (const name of ['united', 'timed', table, ...files.map((_, at) => `source_${at}`)])
    await dropRelation(database, name);
  return undefined;
}

function isAboutData(caught: unknown): boolean {
  return /^(Invalid Input|Conversion|Out of Range|Binder|Catalog|Parser) Error/.test(reasonOf(caught));
}

async function readQuickly(
  database: OpenedDatabase,
  request: PrepareBatch,
  files: readonly LoadedFile[],
  { deciding, warn }: { readonly deciding: Deciding; readonly warn: Warn },
): Promise<Omit<QuickRows, 'warnings'> | undefined> {
  const { nulls = [] } = request;
  const quick: QuickFile[] = [];
  const samples: Source[] = [];
  for (const [at, file] of files.entries()) {
    const opened = await openQuickly(file, request, warn);
    if (opened === undefined) return undefined;
    quick.push(opened);
    samples.push(await sampleOf(database, opened, `source_${at}`, nulls));
  }
  if (samples.some(({ rows }) => rows === 0)) return undefined;
  const declared = declaredColumns(request);
  const fields = await deciding.decide(samples, warn);
  const hasValues = await columnsWithValues(database, samples, fields);
  const times = await timesOf(database, request, samples, fields, declared);
  const long = await longNumbers(database, samples, fields);
  const types = typesAsWritten(fields, declared, { long, nulls });
  const query = (from: string): string =>
    times.query(`SELECT ${castsOf(fields, declared, types)}${exactnessOf(long)} FROM ${from}`);
  const scans = await loadFiles(database, quick, { nulls, types, query });
  if (scans === undefined) return undefined;
  const instantOfRow = await times.find();
  const values = await countValuesOf(database, fields, long.length > 0);
  const isUnclear = instantOfRow === undefined && times.instants !== undefined;
  if (isUnclear || values === undefined || !(await hasAllRows(database, scans))) return undefined;
  for (const [at, field] of fields.entries()) {
    const cells = unitedCells(quick, scans, field.name);
    const isSeen = cells.values === 0 || hasValues.has(field.name);
    const reading = readingOf(declared, field);
    const isFound = isSeen && values[at] === cells.values;
    if (!isFound || !isProven(field, cells, { reading, isExact: long.includes(field.name) })) return undefined;
    const isOpen = request.pinned === null && openTexts([field], declared).length > 0;
    if (isOpen && !tellOfOpen(field, cells, warn)) return undefined;
  }
  for (const at of files.keys()) await database.run(`DROP TABLE source_${at}`);
  return {
    sources: samples.map((sample, at) => ({ ...sample, rows: (scans[at]?.records ?? 1) - 1 })),
    fields,
    instants: times.instants,
    table,
    at: instantOfRow,
    values: new Map(fields.map(({ name }, at) => [name, values[at] ?? 0])),
  };
}

async function hasAllRows(database: LockedDatabase, scans: readonly CellScan[]): Promise<boolean> {
  const { rows } = await database.row(`SELECT count(*) AS rows FROM ${table}`);
  return Number(rows) === scans.reduce((sum, { records }) => sum + records - 1, 0);
}

/**
 * Warns of a text column without values. Returns false if the column may look like numbers, which `warnOfTypes`
 * explains.
 */
function tellOfOpen({ name }: Field, { some, numberLike, values }: CellsOfColumn, warn: Warn): boolean {
  if ((some & unknownBit) !== 0 || numberLike * 2 > values) return false;
  if (values === 0) warn(withoutType(name));
  return true;
}

interface Times {
  readonly instants: QuickRows['instants'];
  /** Returns SQL that adds `_at` to the rows of a query, unless it is found from a column. */
  query(rows: string): string;
  /** Returns SQL of `_at` over the table, when it holds all rows; undefined if there is none or it is not simple. */
  find(): Promise<string | undefined>;
}

async function timesOf(
  database: LockedDatabase,
  { timestamp, timezone }: PrepareBatch,
  [sample]: readonly Source[],
  fields: readonly Field[],
  declared: Declared,
): Promise<Times> {
  if (timestamp === undefined || sample === undefined)
    return { instants: undefined, query: (rows) => rows, find: () => Promise.resolve(undefined) };
  await database.run(`CREATE TABLE ${table} AS SELECT ${castsOf(fields, declared)} FROM ${sample.table} LIMIT 0`);
  const found = await instantsOf(database, { timestamp, timezone }, fields, table);
  await database.run(`DROP TABLE ${table}`);
  const instants = { ...found, timestamp };
  if (found.expression !== identifier(timestamp))
    return { instants, query: (rows) => found.rowsWithInstants(rows), find: () => Promise.resolve('"_at"') };
  // The instants of a column of times take no space of their own.
  const find = (): Promise<string | undefined> =>
    found.kind === 'instant'
      ? Promise.resolve(`make_timestamp(epoch_us(${found.expression}))`)
      : instantsOfColumn(database, { table, column: timestamp, timezone });
  return { instants, query: (rows) => rows, find };
}

/** Returns the columns that have a value among the first rows. */
async function columnsWithValues(
  database: LockedDatabase,
  samples: readonly Source[],
  fields: readonly Field[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const { table: sample } of samples) {
    const counts = await database.row(
      `SELECT ${fields.map(({ name }, at) => `count(${identifier(name)}) AS n${at}`).join(', ')} FROM ${sample}`,
    );
    for (const [at, { name }] of fields.entries()) if (Number(counts[`n${at}`]) > 0) found.add(name);
  }
  return found;
}

/** Reads the header of a file. Returns undefined if its columns need a closer look. */
async function openQuickly(file: LoadedFile, request: PrepareBatch, warn: Warn): Promise<QuickFile | undefined> {
  const header = await readCsvHeader(file.path, file.name);
  const isOdd = header.names.length < 2 || header.names.some((name) => name === '' || unnamed.test(name));
  if (isOdd || isQuarantine(header.names)) return undefined;
  checkNames(header.names, file.name);
  if (header.delimiter !== ',') warn(delimiterGuess(file, header.delimiter, header.names.length));
  warnOfNames({ file, names: header.names }, warn);
  const plan = columnPlan(request);
  const names = header.names.filter((name) => !plan.isIgnored(name));
  return names.length === 0 ? undefined : { file, header, names };
}

/** Returns SQL that selects the columns of a file, as text without a type; texts that mean a missing value are null. */
function textsOf(
  { file, header, names }: QuickFile,
  nulls: readonly string[],
  types?: ReadonlyMap<string, StoredType>,
): string {
  const texts = names.map((name) => `${exceptNulls(identifier(name), nulls)} AS ${identifier(name)}`).join(', ');
  return `SELECT ${texts} FROM ${csvRows(file.path, header, { isMissing: false, parallel: true, types })}`;
}

const readTypes: readonly StoredType[] = ['BIGINT', 'DOUBLE', 'DATE', 'TIMESTAMP'];

/** Returns SQL that selects whether the long numbers of a row are exact. */
function exactnessOf(long: readonly string[]): string {
  if (long.length === 0) return '';
  return `, ${long.map((name) => `coalesce(${fitsExactly(identifier(name))}, true)`).join(' AND ')} AS ${exactFlag}`;
}

/** Returns the types of the columns that are read without a text in between, which the scan of the cells proves. */
function typesAsWritten(
  fields: readonly Field[],
  declared: Declared,
  { long, nulls }: { readonly long: readonly string[]; readonly nulls: readonly string[] },
): ReadonlyMap<string, StoredType> {
  if (nulls.length > 0) return new Map();
  const chosen = fields.filter(
    (field) =>
      readTypes.includes(field.stored) && readingOf(declared, field) === 'as-written' && !long.includes(field.name),
  );
  return new Map(chosen.map(({ name, stored }) => [name, stored]));
}

/** Loads the first rows of a file as text. */
async function sampleOf(
  database: LockedDatabase,
  opened: QuickFile,
  name: string,
  nulls: readonly string[],
): Promise<Source> {
  await database.run(
    `CREATE TABLE ${name} AS SELECT row_number() OVER () AS "_row", * FROM (${textsOf(opened, nulls)} LIMIT ${sampleRows})`,
  );
  const { rows } = await database.row(`SELECT count(*) AS rows FROM ${name}`);
  const { file, header, names } = opened;
  return { file, table: name, names, text: { delimiter: header.delimiter, before: 1 }, rows: Number(rows) };
}

function castsOf(fields: readonly Field[], declared: Declared, types?: ReadonlyMap<string, StoredType>): string {
  return fields
    .map((field) => {
      if (types?.has(field.name) === true) return identifier(field.name);
      const { value } = castIn({}, field.name, field.stored, readingOf(declared, field));
      return `${value} AS ${identifier(field.name)}`;
    })
    .join(', ');
}

interface Loading {
  readonly nulls: readonly string[];
  readonly types: ReadonlyMap<string, StoredType>;
  /** Returns SQL that selects the rows to be stored from rows of text. */
  query(from: string): string;
}

/** Loads files into the table, one after the other. Returns undefined if one of them needs a closer look. */
async function loadFiles(
  database: OpenedDatabase,
  files: readonly QuickFile[],
  loading: Loading,
): Promise<readonly CellScan[] | undefined> {
  const scans: CellScan[] = [];
  for (const file of files) {
    const scan = await loadFile(database, file, { ...loading, isFirst: scans.length === 0 });
    if (scan === undefined) return undefined;
    scans.push(scan);
  }
  return scans;
}

/** Loads a file into the table and scans its bytes at the same time. */
async function loadFile(
  database: OpenedDatabase,
  opened: QuickFile,
  { nulls, types, isFirst, query }: Loading & { readonly isFirst: boolean },
): Promise<CellScan | undefined> {
  const { file, header } = opened;
  const dialect = { delimiter: header.delimiter, width: header.names.length, nulls };
  const rows = query(`(${textsOf(opened, nulls, types)})`);
  const loading = database.runInParallel(isFirst ? `CREATE TABLE ${table} AS ${rows}` : `INSERT INTO ${table} ${rows}`);
  const scanning = scanCells(file.path, dialect).then((scan) => {
    if (scan === undefined) database.connection.interrupt();
    return scan;
  });
  const [loaded, scanned] = await Promise.allSettled([loading, scanning]);
  if (scanned.status === 'rejected') throw scanned.reason;
  if (scanned.value === undefined) return undefined;
  if (loaded.status === 'rejected') throw loaded.reason;
  return scanned.value;
}

/** Returns the columns of numbers in which a sample has numbers that a DOUBLE may not hold exactly. */
async function longNumbers(
  database: LockedDatabase,
  samples: readonly Source[],
  fields: readonly Field[],
): Promise<readonly string[]> {
  const names = fields.flatMap(({ name, stored }) => (stored === 'DOUBLE' ? [name] : []));
  const long = new Set<string>();
  for (const { table: sample } of samples) {
    if (names.length === 0) continue;
    const found = await database.row(
      `SELECT ${names.map((name, at) => `bool_or(${isLong(identifier(name))}) AS l${at}`).join(', ')} FROM ${sample}`,
    );
    for (const [at, name] of names.entries()) if (found[`l${at}`] === true) long.add(name);
  }
  return [...long];
}

/** Returns the number of values of each field; undefined if a long number is not exact. */
async function countValuesOf(
  database: LockedDatabase,
  fields: readonly Field[],
  hasLong: boolean,
): Promise<readonly number[] | undefined> {
  const counts = fields.map(({ name }, at) => `count(${identifier(name)}) AS n${at}`);
  const found = await database.row(
    `SELECT ${[...counts, ...(hasLong ? [`bool_and(${exactFlag}) AS exact`] : [])].join(', ')} FROM ${table}`,
  );
  if (hasLong && found.exact !== true) return undefined;
  return fields.map((_, at) => Number(found[`n${at}`]));
}

/** Returns what the cells of a column have in common in all files. */
function unitedCells(quick: readonly QuickFile[], scans: readonly CellScan[], name: string): CellsOfColumn {
  const none: CellsOfColumn = { values: 0, all: -1, some: 0, numberLike: 0 };
  return quick.reduce((sum, { header }, at) => {
    const cells = scans[at]?.columns[header.names.indexOf(name)] ?? none;
    return {
      values: sum.values + cells.values,
      all: sum.all & cells.all,
      some: sum.some | cells.some,
      numberLike: sum.numberLike + cells.numberLike,
    };
  }, none);
}

/** Returns whether the forms of a column's cells prove that its type is right, given that no cast failed. */
function isProven(
  { stored }: Field,
  cells: CellsOfColumn,
  { reading, isExact }: { readonly reading: Reading; readonly isExact: boolean },
): boolean {
  if (cells.values === 0) return true;
  // Text that all looks like another type may be of that type, although the first rows did not show it.
  if (stored === 'VARCHAR') return reading === 'declared' || (cells.all & anyForm) === 0;
  if ((cells.all & formBit(stored, reading)) === 0) return false;
  return stored !== 'DOUBLE' || isExact || (cells.some & longNumberBit) === 0;
}

/** Creates `united` and `timed`, with the places of the rows in `_file`, `_line` and `_row`. */
async function viewRows(
  database: LockedDatabase,
  { sources, fields, at }: Pick<QuickRows, 'sources' | 'fields' | 'at'>,
): Promise<void> {
  const starts = sources.map((_, file) => sources.slice(0, file).reduce((sum, { rows }) => sum + rows, 0));
  const later = starts.map((start, file) => ({ start, file })).slice(1);
  const choose = (choice: (file: number) => number): string => {
    const cases = later.toReversed().map(({ start, file }) => `WHEN rowid >= ${start} THEN ${choice(file)}`);
    return cases.length === 0 ? String(choice(0)) : `CASE ${cases.join(' ')} ELSE ${choice(0)} END`;
  };
  const places = `${choose((file) => file)} AS "_file", rowid + 1 - ${choose((file) => starts[file] ?? 0)} AS "_line", rowid + 1 AS "_row"`;
  const names = fields.map(({ name }) => identifier(name)).join(', ');
  await database.run(`CREATE VIEW united AS SELECT ${places}, ${names} FROM ${table}`);
  if (at !== undefined)
    await database.run(`CREATE VIEW timed AS SELECT ${places}, ${names}, ${at} AS "_at" FROM ${table}`);
}
