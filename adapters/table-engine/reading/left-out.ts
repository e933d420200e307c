import type { DataWarning } from '../../../contracts/data/data-warning.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { ColumnPlan } from '../windows/column-plan.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { LoadedFile, Source } from './source.ts';
import { identifier } from '../sql.ts';
import type { Warn } from '../typing/warn.ts';

/** Name that pandas gives to a column without a name in a CSV header. */
export const unnamed = /^Unnamed: \d+(\.\d+)*$/;
/** Name under which pandas writes an unnamed index to Parquet. */
export const unnamedIndex = /^__index_level_\d+__$/;

/**
 * Gives the name `Unnamed: <index>` to leading columns that have none, as pandas does when it reads a file that it
 * wrote with its index.
 */
export function withIndexNames(names: readonly string[]): readonly string[] {
  const first = names.findIndex((name) => name !== '');
  return names.map((name, at) => (at < first ? `Unnamed: ${at}` : name));
}

/** The columns that `writeQuarantine` puts before those of a refused row. */
const quarantineColumns = ['_file', '_line', '_row', '_broke'] as const;

export function isQuarantine(names: readonly string[]): boolean {
  return quarantineColumns.every((name, at) => names[at] === name);
}

/** Removes the leading quarantine columns. Users may correct refused rows and submit them with these columns. */
export function withoutQuarantine<Item>(items: readonly Item[]): readonly Item[] {
  return items.slice(quarantineColumns.length);
}

export function quarantineLeftOut(file: LoadedFile): DataWarning {
  const message = `${file.name}: the columns ${quarantineColumns.join(', ')} are left out, because \`perennial data quarantine\` added them to the rows`;
  return { level: 'guess', kind: 'left-out', column: null, count: quarantineColumns.length, example: null, message };
}

/** Returns a source without its ignored columns and without the index columns that pandas wrote beside its rows. */
export async function withoutLeftOut(
  database: LockedDatabase,
  source: Source,
  plan: ColumnPlan,
  warn: Warn,
): Promise<Source> {
  const names = source.names.filter((name) => !plan.isIgnored(name));
  const first = names.findIndex((name) => !unnamed.test(name));
  const leading = names.slice(0, first === -1 ? names.length - 1 : first);
  const numbers: string[] = [];
  for (const name of leading)
    if (plan.readerOf(name) === undefined && (await holdsWholeNumbers(database, source, name))) numbers.push(name);
  for (const name of numbers) warn(indexLeftOut(source.file, name, source.rows));
  return { ...source, names: names.filter((name) => !numbers.includes(name)) };
}

export async function holdsWholeNumbers(database: LockedDatabase, { table }: Source, name: string): Promise<boolean> {
  const { whole } = await database.row(
    `SELECT bool_and(coalesce(regexp_full_match(CAST(${identifier(name)} AS VARCHAR), '-?[0-9]+([.]0)?'), false)) AS whole FROM ${table}`,
  );
  return whole === true;
}

export function indexLeftOut(file: LoadedFile, name: string, rows: number): DataWarning {
  const message = `${file.name}: the column "${name}" is left out, because it looks like the index that pandas adds to the rows (${rows} rows); write the file with index=False, or keep the column with data.columns: { ${JSON.stringify(name)}: integer }`;
  return { level: 'guess', kind: 'index-left-out', column: name, count: rows, example: null, message };
}

/** Leaves out a column of an unsupported type with a warning. Throws `schema-changed` if something reads the column. */
export function leaveOutUnkept(
  file: LoadedFile,
  { name, type, wayOut }: { readonly name: string; readonly type: string; readonly wayOut: string },
  plan: ColumnPlan,
  warn: Warn,
): void {
  const reader = plan.readerOf(name);
  if (reader !== undefined)
    throw new PerennialError(
      'schema-changed',
      `${file.name} has the column "${name}" of type ${type}, which cannot be stored, but ${reader}; ${wayOut}`,
      { file: file.name, column: name, type },
    );
  warn({
    level: 'warning',
    kind: 'left-out',
    column: name,
    count: 1,
    example: type,
    message: `${file.name}: the column "${name}" is left out, because its type ${type} cannot be stored; nothing reads the column. To keep it, ${wayOut}; to leave it out without a warning, set data.columns: { ${JSON.stringify(name)}: ignore }`,
  });
}
