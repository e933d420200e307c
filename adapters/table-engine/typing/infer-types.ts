import type { ColumnType } from '../../../contracts/data/data-types.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import { brokenCasts } from './broken-casts.ts';
import { inferenceOrder } from './casts.ts';
import { type StoredType, typeOf } from './fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { type Source, placeInFile } from '../reading/source.ts';
import { candidatesIn, castIn, decimalsIn } from '../reading/source-casts.ts';
import { type Reading, hasForm } from './spellings.ts';
import { identifier } from '../sql.ts';

/** A type that may fit all values of a column, and how their text is read. */
interface Candidate {
  readonly stored: StoredType;
  readonly reading: Reading;
}

interface Open {
  readonly name: string;
  readonly left: readonly Candidate[];
}

const sampleRows = 10_000;

/**
 * Infers the type of each column: the expected type if every value fits it, otherwise the most specific type in which
 * no value loses information. A column without values in any source has no entry.
 */
export async function inferTypes(
  database: LockedDatabase,
  sources: readonly Source[],
  names: readonly string[],
  expected: ReadonlyMap<string, ColumnType>,
): Promise<ReadonlyMap<string, StoredType>> {
  const inferred = new Map<string, StoredType>();
  const filled = await firstValues(database, sources, names);
  let open: readonly Open[] = names.flatMap((name) => {
    const values = filled.get(name);
    return values === undefined ? [] : [{ name, left: candidates(name, values, expected.get(name)) }];
  });
  // The first rows rule out most of the types that do not fit; only the other types are tried on all rows.
  const isSmall = sources.every(({ rows }) => rows <= sampleRows);
  if (!isSmall) open = await stillFitting(database, sources, open, `LIMIT ${sampleRows}`);
  while (open.length > 0) {
    const tried = isSmall ? open : open.map(({ name, left }) => ({ name, left: left.slice(0, 1) }));
    const held = new Map((await stillFitting(database, sources, tried, '')).map(({ name, left }) => [name, left[0]]));
    const rest: Open[] = [];
    for (const { name, left } of open) {
      const stored = held.get(name)?.stored;
      if (stored !== undefined) inferred.set(name, stored);
      else if (isSmall || left.length <= 1) throw await noCommonType(database, sources, name);
      else rest.push({ name, left: left.slice(1) });
    }
    open = rest;
  }
  return inferred;
}

/** A source's first value of a column, as text. */
interface FirstValue {
  readonly source: Source;
  readonly value: string;
}

async function firstValues(
  database: LockedDatabase,
  sources: readonly Source[],
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly FirstValue[]>> {
  const filled = new Map<string, FirstValue[]>();
  for (const source of sources)
    for (const slice of slices(names)) {
      const found = await database.row(
        `SELECT ${slice.map((name, at) => `CAST(${firstOf(source, identifier(name))} AS VARCHAR) AS v${at}`).join(', ')} FROM ${source.table}`,
      );
      for (const [at, name] of slice.entries()) {
        const value = found[`v${at}`];
        if (typeof value === 'string') filled.set(name, [...(filled.get(name) ?? []), { source, value }]);
      }
    }
  return filled;
}

/** Returns SQL of the first value of a column. Empty text counts only if the column has no other value. */
function firstOf({ hasEmptyText }: Source, column: string): string {
  const first = `any_value(${column})`;
  return hasEmptyText === true ? `coalesce(any_value(nullif(${column}, '')), ${first})` : first;
}

function candidates(
  name: string,
  values: readonly FirstValue[],
  expected: ColumnType | undefined,
): readonly Candidate[] {
  const possible = values.map(({ source, value }) => {
    const types = candidatesIn(source, name);
    return source.types === undefined ? types.filter((stored) => hasForm(value, stored)) : types;
  });
  const inferred = inferenceOrder.filter((stored) => possible.every((types) => types.includes(stored)));
  const ofExpected = inferenceOrder.filter((stored) => expected !== undefined && typeOf[stored] === expected);
  return [
    ...ofExpected.map((stored): Candidate => ({ stored, reading: 'declared' })),
    ...inferred.map((stored): Candidate => ({ stored, reading: 'as-written' })),
  ];
}

/**
 * Returns the columns with the candidates that fit all rows read. Whether a column shows decimals is checked only on
 * all rows.
 */
async function stillFitting(
  database: LockedDatabase,
  sources: readonly Source[],
  open: readonly Open[],
  limit: string,
): Promise<readonly Open[]> {
  const tried = open.flatMap(({ name, left }) => left.map((candidate) => ({ name, candidate })));
  const broken = new Set<number>();
  for (const source of sources) {
    const casts = tried.map(({ name, candidate }) => castIn(source, name, candidate.stored, candidate.reading));
    const from = limit === '' ? source.table : `(SELECT * FROM ${source.table} ${limit})`;
    for (const at of await brokenCasts(database, casts, from)) broken.add(at);
  }
  const fitting = new Set(tried.flatMap(({ candidate }, at) => (broken.has(at) ? [] : [candidate])));
  const doubtful = open.flatMap(({ name, left }) =>
    limit === '' && left.some((candidate) => needsDecimals(candidate) && fitting.has(candidate)) ? [name] : [],
  );
  const decimal = await showingDecimals(database, sources, doubtful);
  return open.map(({ name, left }) => ({
    name,
    left: left.filter(
      (candidate) => fitting.has(candidate) && (limit !== '' || !needsDecimals(candidate) || decimal.has(name)),
    ),
  }));
}

function needsDecimals({ stored, reading }: Candidate): boolean {
  return stored === 'DOUBLE' && reading === 'as-written';
}

/** Returns the columns that have a decimal in at least one source. */
async function showingDecimals(
  database: LockedDatabase,
  sources: readonly Source[],
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const showing = new Set<string>();
  for (const source of sources)
    for (const slice of slices(names)) {
      const found = await database.row(
        `SELECT ${slice.map((name, at) => `${decimalsIn(source, name)} AS d${at}`).join(', ')} FROM ${source.table}`,
      );
      for (const [at, name] of slice.entries()) if (found[`d${at}`] === true) showing.add(name);
    }
  return showing;
}

/** Maximum number of columns in one query: planning time grows with the square of that number. */
const columnsAtOnce = 50;

function slices<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / columnsAtOnce) }, (_, at) =>
    items.slice(at * columnsAtOnce, (at + 1) * columnsAtOnce),
  );
}

async function noCommonType(
  database: LockedDatabase,
  sources: readonly Source[],
  name: string,
): Promise<PerennialError> {
  const found: ColumnType[] = [];
  for (const source of sources) {
    const alone = sources.length === 1 ? undefined : await inferTypes(database, [source], [name], new Map());
    const stored = alone?.get(name);
    if (stored !== undefined) found.push(typeOf[stored]);
    else if (alone === undefined) return inexactNumber(database, source, name);
  }
  const [one, other] = new Set(found);
  return new PerennialError(
    'schema-changed',
    `column "${name}" is ${one} in one file of the batch and ${other} in another; write it the same way in all files, or declare its type with data.columns: { ${name}: string }`,
    { column: name, expected: one ?? '', found: other ?? '' },
  );
}

/** Returns the error of a JSON number that no type holds exactly. In other formats, such a number becomes text. */
async function inexactNumber(database: LockedDatabase, source: Source, name: string): Promise<PerennialError> {
  const misfits = (['BIGINT', 'DOUBLE'] as const).map((stored) => castIn(source, name, stored, 'as-written').misfit);
  const [found] = await database.rows(
    `SELECT "_row" AS row, CAST(${identifier(name)} AS VARCHAR) AS value FROM ${source.table} WHERE ${misfits.map((misfit) => `(${misfit ?? 'false'})`).join(' AND ')} ORDER BY "_row" LIMIT 1`,
  );
  const place = await placeInFile(source, Number(found?.row ?? 1));
  const value = String(found?.value);
  const isNoJson = /^-?(nan|inf)/i.test(value);
  return new PerennialError(
    'schema-changed',
    `${place.text}: "${name}" is ${value}, ${isNoJson ? `which is not a JSON value; write null, or set data.nulls: [${JSON.stringify(value)}]` : `which neither a 64-bit integer nor a number can hold exactly; declare data.columns: { ${name}: string }, or write it in quotes`}`,
    { file: source.file.name, line: place.line, column: name, value },
  );
}
