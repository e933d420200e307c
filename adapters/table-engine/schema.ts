import type { Column, ColumnType } from '../../contracts/data-types.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Expectation } from '../../contracts/expectation.ts';
import { type Field, type StoredType, storedOf, typeOf } from './fields.ts';
import { inferFromText } from './inferTypes.ts';
import type { Database } from './lockedDatabase.ts';
import { misfitOf } from './misfits.ts';
import type { Source } from './source.ts';

/** What expectations say that columns are; the first says it. */
export type DeclaredTypes = ReadonlyMap<string, ColumnType>;

export function declaredTypes(expectations: readonly Expectation[]): DeclaredTypes {
  return new Map(
    expectations
      .toReversed()
      .flatMap(({ column, type }) => (column === undefined || type === undefined ? [] : [[column, type] as const])),
  );
}

/** The fields of a first batch: of each column the type that is declared, else the most particular that every value of every file fits. */
export async function inferFields(
  database: Database,
  sources: readonly Source[],
  declared: DeclaredTypes,
): Promise<readonly Field[]> {
  const [first] = sources;
  const names = first?.names ?? [];
  for (const source of sources)
    checkSameColumns(source, names, `${first?.file.name ?? ''}, the first file of the batch,`, new Map());
  return fieldsOfText(database, sources, names, declared);
}

async function fieldsOfText(
  database: Database,
  sources: readonly Source[],
  names: readonly string[],
  declared: DeclaredTypes,
): Promise<readonly Field[]> {
  const inferred = await inferFromText(database, sources, names, declared);
  return names.map((name) => {
    const given = sources.flatMap((source) => source.stored?.get(name) ?? []);
    const stored = [...given, ...(inferred.get(name) ?? [])].reduce((a, b) => unify(name, a, b));
    // Whole numbers of Parquet, too, are numbers where that is what is expected of them.
    const isWidened = stored === 'BIGINT' && declared.get(name) === 'number';
    const chosen = isWidened ? 'DOUBLE' : stored;
    return { name, type: typeOf[chosen], stored: chosen };
  });
}

/**
 * The fields that a dataset has, for a further batch. `stored` is how its parts keep them; without parts, a timestamp is
 * what the batch has. A new column, and one whose values no longer fit, is taken in only as an expectation's `type` says:
 * whole numbers become number, days timestamp. All else is left to `checkValues` to refuse.
 */
export async function pinnedFields(
  database: Database,
  pinned: readonly Column[],
  stored: ReadonlyMap<string, StoredType>,
  { sources, declared }: { readonly sources: readonly Source[]; readonly declared: DeclaredTypes },
): Promise<readonly Field[]> {
  const pinnedNames = pinned.map((column) => column.name);
  for (const source of sources) checkSameColumns(source, pinnedNames, 'the dataset', declared);
  const added = (sources[0]?.names ?? []).filter((name) => !pinnedNames.includes(name));
  for (const source of sources)
    checkSameColumns(source, [...pinnedNames, ...added], 'another file of the batch', new Map());
  const open = pinned.filter(({ name, type }) => type === 'timestamp' && !stored.has(name)).map(({ name }) => name);
  const guessed = await inferFromText(database, sources, open, new Map());
  const fields: Field[] = [];
  for (const { name, type } of pinned) {
    const zoned = [...(guessed.get(name) ?? []), ...sources.map((source) => source.stored?.get(name))].includes(
      'TIMESTAMP WITH TIME ZONE',
    );
    const kept = stored.get(name) ?? (type === 'timestamp' && zoned ? 'TIMESTAMP WITH TIME ZONE' : storedOf[type]);
    fields.push(await widened(database, sources, { name, type, stored: kept }, declared.get(name)));
  }
  return [...fields, ...(added.length === 0 ? [] : await fieldsOfText(database, sources, added, declared))];
}

/** The types that hold all that a narrower one does. */
const wider: Readonly<Partial<Record<StoredType, StoredType>>> = { BIGINT: 'DOUBLE', DATE: 'TIMESTAMP' };

async function widened(
  database: Database,
  sources: readonly Source[],
  field: Field,
  declared: ColumnType | undefined,
): Promise<Field> {
  const next = wider[field.stored];
  if (next === undefined || declared !== typeOf[next]) return field;
  for (const source of sources) {
    const misfit = misfitOf(source, field);
    if (misfit === undefined) continue;
    const { count } = await database.row(`SELECT count(*) AS count FROM ${source.table} WHERE ${misfit}`);
    if (Number(count) > 0) return { ...field, type: typeOf[next], stored: next };
  }
  return field;
}

function unify(name: string, a: StoredType, b: StoredType): StoredType {
  if (a === b) return a;
  const both = new Set([a, b]);
  if (both.size === 2 && both.has('BIGINT') && both.has('DOUBLE')) return 'DOUBLE';
  throw new PerennialError(
    'schema-changed',
    `column "${name}" is ${typeOf[a]} in one file of the batch and ${typeOf[b]} in another; write it the same way in all`,
    { column: name, expected: typeOf[a], found: typeOf[b] },
  );
}

function checkSameColumns(source: Source, names: readonly string[], whose: string, declared: DeclaredTypes): void {
  const file = source.file.name;
  const missing = names.find((name) => !source.names.includes(name));
  if (missing !== undefined)
    throw new PerennialError(
      'schema-changed',
      `${file} lacks the column "${missing}" that ${whose} has; it has ${source.names.join(', ')}`,
      { file, column: missing, line: 1 },
    );
  const extra = source.names.find((name) => !names.includes(name) && !declared.has(name));
  if (extra !== undefined)
    throw new PerennialError(
      'schema-changed',
      `${file} has the column "${extra}" that ${whose} does not have; leave it out, or take it in by an expectation that says its type, { column: ${extra}, type: … }`,
      { file, column: extra, line: 1 },
    );
}
