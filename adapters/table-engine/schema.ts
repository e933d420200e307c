import type { Column } from '../../contracts/data-types.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { type Field, type StoredType, fits, inferenceOrder, storedOf, typeOf } from './fields.ts';
import type { Database } from './lockedDatabase.ts';
import { type Source, placeOf } from './sources.ts';
import { identifier, identifiers } from './sql.ts';

/** The fields of a first batch: of each column the most particular type that every value of every file fits. */
export async function inferFields(database: Database, sources: readonly Source[]): Promise<readonly Field[]> {
  const [first] = sources;
  const names = first?.names ?? [];
  for (const source of sources)
    checkSameColumns(source, names, `${first?.file.name ?? ''}, the first file of the batch,`);
  const texts = sources.filter((source) => source.stored === undefined);
  const inferred = await inferFromText(database, texts, names);
  return names.map((name) => {
    const declared = sources.flatMap((source) => source.stored?.get(name) ?? []);
    const stored = [...declared, ...(inferred.get(name) ?? [])].reduce((a, b) => unify(name, a, b));
    return { name, type: typeOf[stored], stored };
  });
}

/** The fields that a dataset has, for a further batch. `stored` is how its parts keep them; without parts, a timestamp is what the batch has. */
export async function pinnedFields(
  database: Database,
  pinned: readonly Column[],
  stored: ReadonlyMap<string, StoredType>,
  sources: readonly Source[],
): Promise<readonly Field[]> {
  for (const source of sources)
    checkSameColumns(
      source,
      pinned.map((column) => column.name),
      'the dataset',
    );
  const open = pinned
    .filter((column) => column.type === 'timestamp' && !stored.has(column.name))
    .map((column) => column.name);
  const guessed =
    open.length === 0
      ? new Map<string, StoredType[]>()
      : await inferFromText(
          database,
          sources.filter((source) => source.stored === undefined),
          open,
        );
  return pinned.map(({ name, type }) => {
    const zoned = [...(guessed.get(name) ?? []), ...sources.map((source) => source.stored?.get(name))].includes(
      'TIMESTAMP WITH TIME ZONE',
    );
    return {
      name,
      type,
      stored: stored.get(name) ?? (type === 'timestamp' && zoned ? 'TIMESTAMP WITH TIME ZONE' : storedOf[type]),
    };
  });
}

/** Refuses the first value that is not of its column's type: `schema-changed`. */
export async function checkValues(database: Database, source: Source, fields: readonly Field[]): Promise<void> {
  const misfits = fields.flatMap((field) => misfit(source, field) ?? []);
  if (misfits.length === 0) return;
  const found = await database.row(
    `SELECT ${misfits.map(({ condition }, at) => `min("_row") FILTER (WHERE ${condition}) AS m${at}`).join(', ')} FROM ${source.table}`,
  );
  for (const [at, { field }] of misfits.entries()) {
    const row = found[`m${at}`];
    if (row === null || row === undefined) continue;
    const { value } = await database.row(
      `SELECT CAST(${identifier(field.name)} AS VARCHAR) AS value FROM ${source.table} WHERE "_row" = ${row}`,
    );
    const place = await placeOf(source, Number(row));
    const expected = field.stored === 'TIMESTAMP WITH TIME ZONE' ? 'timestamp with an offset' : field.type;
    throw new PerennialError(
      'schema-changed',
      `${place.text}: column "${field.name}" is pinned to ${expected}, and ${JSON.stringify(value)} is none; correct the value, or begin a new model if the column has changed its meaning`,
      { file: source.file.name, line: place.line, column: field.name, expected, value: String(value) },
    );
  }
}

/** What a value of this source is not when the cast would lose or change something; undefined where it cannot happen. */
function misfit(source: Source, field: Field): { readonly field: Field; readonly condition: string } | undefined {
  const name = identifier(field.name);
  const stored = source.stored?.get(field.name);
  if (source.stored === undefined)
    return field.stored === 'VARCHAR'
      ? undefined
      : { field, condition: `${name} IS NOT NULL AND NOT ${fits(name, field.stored)}` };
  if (stored === field.stored) return undefined;
  if (stored === 'BIGINT' && field.stored === 'DOUBLE')
    return { field, condition: `CAST(CAST(${name} AS DOUBLE) AS HUGEINT) <> ${name}` };
  return { field, condition: `${name} IS NOT NULL` };
}

/** Tries the types in their order, each on the columns that none before has fitted. */
async function inferFromText(
  database: Database,
  sources: readonly Source[],
  names: readonly string[],
): Promise<ReadonlyMap<string, StoredType[]>> {
  const inferred = new Map<string, StoredType[]>();
  if (sources.length === 0) return inferred;
  const all = `(${sources.map((source) => `SELECT ${identifiers(names)} FROM ${source.table}`).join(' UNION ALL ')})`;
  const filled = await database.row(
    `SELECT ${names.map((name, at) => `count(${identifier(name)}) > 0 AS c${at}`).join(', ')} FROM ${all}`,
  );
  let pending = names.filter((_, at) => filled[`c${at}`] === true);
  for (const type of inferenceOrder) {
    if (pending.length === 0) break;
    const found = await database.row(
      `SELECT ${pending.map((name, at) => `bool_and(${identifier(name)} IS NULL OR ${fits(identifier(name), type)}) AS c${at}`).join(', ')} FROM ${all}`,
    );
    for (const [at, name] of pending.entries()) if (found[`c${at}`] === true) inferred.set(name, [type]);
    pending = pending.filter((name) => !inferred.has(name));
  }
  // A column without any value says nothing about its type; text can hold whatever comes.
  for (const name of names) if (!inferred.has(name)) inferred.set(name, ['VARCHAR']);
  return inferred;
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

function checkSameColumns(source: Source, names: readonly string[], whose: string): void {
  const file = source.file.name;
  const missing = names.find((name) => !source.names.includes(name));
  if (missing !== undefined)
    throw new PerennialError(
      'schema-changed',
      `${file} lacks the column "${missing}" that ${whose} has; it has ${source.names.join(', ')}`,
      { file, column: missing, line: 1 },
    );
  const extra = source.names.find((name) => !names.includes(name));
  if (extra !== undefined)
    throw new PerennialError(
      'schema-changed',
      `${file} has the column "${extra}" that ${whose} does not have; leave it out, or begin a new model with it`,
      { file, column: extra, line: 1 },
    );
}
