import type { ColumnType } from '../../contracts/data-types.ts';
import { type StoredType, fits, inferenceOrder, typeOf } from './fields.ts';
import type { Database } from './lockedDatabase.ts';
import type { JsonKind, Source } from './source.ts';
import { identifier, identifiers } from './sql.ts';

/** What the values of a JSON kind can be kept as; text is never taken for a number. */
const storedOfKind: Readonly<Record<JsonKind, readonly StoredType[]>> = {
  boolean: ['BOOLEAN'],
  number: ['BIGINT', 'DOUBLE'],
  string: ['DATE', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE', 'VARCHAR'],
};

const sampleRows = 10_000;

/** Tries the types in their order, the declared one first, each on the columns that none before has fitted. */
export async function inferFromText(
  database: Database,
  sources: readonly Source[],
  names: readonly string[],
  declared: ReadonlyMap<string, ColumnType>,
): Promise<ReadonlyMap<string, StoredType[]>> {
  const inferred = new Map<string, StoredType[]>();
  const texts = sources.filter((source) => source.stored === undefined);
  if (texts.length === 0 || names.length === 0) return inferred;
  const filled = await holding(
    database,
    names,
    (name) => `count(${identifier(name)}) > 0`,
    (slice) => rowsOf(texts, slice),
  );
  const isOpen = (name: string, type: StoredType): boolean =>
    !inferred.has(name) && texts.every((source) => mayBe(source, name, type));
  const fit = async (tried: readonly string[], type: StoredType): Promise<void> => {
    for (const name of await fitting(database, texts, tried, type)) inferred.set(name, [type]);
  };
  // A column without any value fits every type: what is declared is all that is known of it.
  for (const type of inferenceOrder)
    await fit(
      names.filter((name) => declared.get(name) === typeOf[type] && isOpen(name, type)),
      type,
    );
  for (const type of inferenceOrder)
    await fit(
      filled.filter((name) => isOpen(name, type)),
      type,
    );
  // A column without any value says nothing about its type; text can hold whatever comes.
  for (const name of names) if (!inferred.has(name)) inferred.set(name, ['VARCHAR']);
  return inferred;
}

function mayBe({ kinds }: Source, name: string, type: StoredType): boolean {
  const kind = kinds?.get(name);
  return kind === undefined || storedOfKind[kind].includes(type);
}

function rowsOf(sources: readonly Source[], names: readonly string[], limit = ''): string {
  return `(${sources.map(({ table }) => `(SELECT ${identifiers(names)} FROM ${table} ${limit})`).join(' UNION ALL ')})`;
}

/** Those of the columns of which every value fits. Most that do not are seen by the first rows; only the others are read whole. */
async function fitting(
  database: Database,
  sources: readonly Source[],
  names: readonly string[],
  type: StoredType,
): Promise<readonly string[]> {
  // Any text is text.
  if (type === 'VARCHAR') return names;
  let left = names;
  const isSmall = sources.every(({ rows }) => rows <= sampleRows);
  for (const limit of isSmall ? [''] : [`LIMIT ${sampleRows}`, ''])
    left = await holding(
      database,
      left,
      (name) => `bool_and(${identifier(name)} IS NULL OR ${fits(identifier(name), type)})`,
      (slice) => rowsOf(sources, slice, limit),
    );
  return left;
}

/** Columns in one query: the time to plan one grows with the square of them. */
const columnsAtOnce = 50;

/** Those of the columns for which an aggregate over their rows is true. */
async function holding(
  database: Database,
  names: readonly string[],
  condition: (name: string) => string,
  rows: (names: readonly string[]) => string,
): Promise<readonly string[]> {
  const held: string[] = [];
  for (let start = 0; start < names.length; start += columnsAtOnce) {
    const slice = names.slice(start, start + columnsAtOnce);
    const found = await database.row(
      `SELECT ${slice.map((name, at) => `${condition(name)} AS c${at}`).join(', ')} FROM ${rows(slice)}`,
    );
    held.push(...slice.filter((_, at) => found[`c${at}`] === true));
  }
  return held;
}
