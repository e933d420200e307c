import type { Column, ColumnType } from '../../../contracts/data/data-types.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import { brokenCasts } from './broken-casts.ts';
import { castCandidates, noType } from './casts.ts';
import type { Declared } from './declared.ts';
import { type Field, type StoredType, storedOf, typeOf } from './fields.ts';
import { inferTypes } from './infer-types.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { Source } from '../reading/source.ts';
import { castIn } from '../reading/source-casts.ts';
import type { Reading } from './spellings.ts';

/**
 * Returns the fields of a first batch: each column has its declared type or, without a declaration, the inferred one.
 */
export async function inferFields(
  database: LockedDatabase,
  sources: readonly Source[],
  declared: Declared,
): Promise<readonly Field[]> {
  const [first] = sources;
  const names = first?.names ?? [];
  for (const source of sources)
    checkSameColumns(source, names, `${first?.file.name ?? ''}, the first file of the batch,`, new Set());
  return newFields(database, sources, names, declared);
}

async function newFields(
  database: LockedDatabase,
  sources: readonly Source[],
  names: readonly string[],
  declared: Declared,
): Promise<readonly Field[]> {
  const open = names.filter((name) => !declared.types.has(name));
  const inferred = await inferTypes(database, sources, open, declared.expected);
  const fields: Field[] = [];
  for (const name of names) {
    const type = declared.types.get(name);
    const stored =
      type === undefined
        ? (inferred.get(name) ?? typeWithoutValue(sources, name, declared.expected.get(name)))
        : await storedForm(database, sources, name, type);
    fields.push({ name, type: typeOf[stored], stored });
  }
  return fields;
}

/**
 * Returns the type of a column without values: the expected type, or the type that a Parquet file declares, or text.
 * The first values may change it.
 */
function typeWithoutValue(sources: readonly Source[], name: string, expected: ColumnType | undefined): StoredType {
  if (expected !== undefined) return storedOf[expected];
  const types = sources.flatMap((source) => source.types?.get(name) ?? []).filter((type) => type !== noType);
  return types.flatMap((type) => castCandidates(type) ?? [])[0] ?? 'VARCHAR';
}

/** Returns the stored type of a declared type. Timestamps are stored with an offset if all values have one. */
async function storedForm(
  database: LockedDatabase,
  sources: readonly Source[],
  name: string,
  type: ColumnType,
): Promise<StoredType> {
  const zoned = 'TIMESTAMP WITH TIME ZONE';
  if (type !== 'timestamp') return storedOf[type];
  if (!(await isBroken(database, sources, name, 'TIMESTAMP', 'declared'))) return 'TIMESTAMP';
  return (await isBroken(database, sources, name, zoned, 'declared')) ? 'TIMESTAMP' : zoned;
}

/** Columns of the existing dataset, as stored in its parts. */
export interface KnownColumns {
  readonly pinned: readonly Column[];
  /** Empty if there are no parts. */
  readonly stored: ReadonlyMap<string, StoredType>;
  /** Columns without any value in the parts. */
  readonly empty: ReadonlySet<string>;
  readonly rows: number;
}

/**
 * Returns the fields for a further batch of an existing dataset. A declared type always applies. A column without
 * values so far takes the type of the batch's values. A new column is added only if `data.columns` or an expectation's
 * type names it. An expectation's type widens integer to number and date to timestamp if the values need it.
 * `checkValues` refuses all other values that do not fit.
 */
export async function pinnedFields(
  database: LockedDatabase,
  sources: readonly Source[],
  known: KnownColumns,
  declared: Declared,
): Promise<readonly Field[]> {
  const pinned = known.pinned.filter(({ name }) => !declared.ignored.has(name));
  const names = pinned.map(({ name }) => name);
  for (const source of sources) checkSameColumns(source, names, 'the dataset', declared.named);
  const added = (sources[0]?.names ?? []).filter((name) => !names.includes(name));
  for (const source of sources) checkSameColumns(source, [...names, ...added], 'another file of the batch', new Set());
  const settled = await settledByBatch(database, sources, known, declared);
  const fields: Field[] = [];
  for (const column of pinned) fields.push(await pinnedField(database, sources, { column, known, declared, settled }));
  return [...fields, ...(added.length === 0 ? [] : await newFields(database, sources, added, declared))];
}

interface PinnedColumn {
  readonly column: Column;
  readonly known: KnownColumns;
  readonly declared: Declared;
  readonly settled: ReadonlyMap<string, StoredType>;
}

async function pinnedField(
  database: LockedDatabase,
  sources: readonly Source[],
  { column: { name, type }, known, declared, settled }: PinnedColumn,
): Promise<Field> {
  const before = known.stored.get(name);
  const own = declared.types.get(name);
  if (own !== undefined) {
    const isKept = before !== undefined && typeOf[before] === own;
    const stored = isKept ? before : await storedForm(database, sources, name, own);
    return { name, type: own, stored };
  }
  const stored = settled.get(name) ?? before ?? storedOf[type];
  return widened(database, sources, { name, type: typeOf[stored], stored }, declared);
}

/**
 * Infers types from the batch for columns without values so far, and for timestamps if no part shows whether they have
 * an offset.
 */
async function settledByBatch(
  database: LockedDatabase,
  sources: readonly Source[],
  { pinned, stored, empty }: KnownColumns,
  declared: Declared,
): Promise<ReadonlyMap<string, StoredType>> {
  const open: string[] = [];
  for (const { name, type } of pinned) {
    if (declared.types.has(name) || declared.ignored.has(name) || declared.expected.get(name) === type) continue;
    const before = stored.get(name);
    if (before === undefined && type === 'timestamp') open.push(name);
    // A type from a Parquet file or an expectation stays as long as the values fit it.
    else if (
      before !== undefined &&
      empty.has(name) &&
      (type === 'string' || (await isBroken(database, sources, name, before)))
    )
      open.push(name);
  }
  const inferred = await inferTypes(database, sources, open, declared.expected);
  const isTime = (name: string): boolean =>
    pinned.some((column) => column.name === name && column.type === 'timestamp');
  return new Map(
    [...inferred].filter(([name, type]) => stored.has(name) || !isTime(name) || typeOf[type] === 'timestamp'),
  );
}

async function isBroken(
  database: LockedDatabase,
  sources: readonly Source[],
  name: string,
  stored: StoredType,
  reading: Reading = 'as-written',
): Promise<boolean> {
  for (const source of sources)
    if ((await brokenCasts(database, [castIn(source, name, stored, reading)], source.table)).size > 0) return true;
  return false;
}

/** For a type, the wider type that holds all of its values. */
const wider: Readonly<Partial<Record<StoredType, StoredType>>> = { BIGINT: 'DOUBLE', DATE: 'TIMESTAMP' };

async function widened(
  database: LockedDatabase,
  sources: readonly Source[],
  field: Field,
  declared: Declared,
): Promise<Field> {
  const next = wider[field.stored];
  if (next === undefined || declared.expected.get(field.name) !== typeOf[next]) return field;
  return (await isBroken(database, sources, field.name, field.stored))
    ? { ...field, type: typeOf[next], stored: next }
    : field;
}

function checkSameColumns(source: Source, names: readonly string[], whose: string, allowed: ReadonlySet<string>): void {
  const file = source.file.name;
  const missing = names.find((name) => !source.names.includes(name));
  if (missing !== undefined)
    throw new PerennialError(
      'schema-changed',
      `${file} lacks the column "${missing}" that ${whose} has; its columns are ${source.names.join(', ')}`,
      { file, column: missing, line: 1 },
    );
  const extra = source.names.find((name) => !names.includes(name) && !allowed.has(name));
  if (extra !== undefined)
    throw new PerennialError(
      'schema-changed',
      `${file} has the column "${extra}" that ${whose} does not have; ignore the column with data.columns: { ${extra}: ignore }, or add it with its type, for example data.columns: { ${extra}: string }`,
      { file, column: extra, line: 1 },
    );
}
