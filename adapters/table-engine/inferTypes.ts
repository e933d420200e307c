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
  const all = `(${texts.map((source) => `SELECT ${identifiers(names)} FROM ${source.table}`).join(' UNION ALL ')})`;
  const fitting = async (pending: readonly (readonly [string, StoredType])[]): Promise<void> => {
    if (pending.length === 0) return;
    const found = await database.row(
      `SELECT ${pending.map(([name, type], at) => `bool_and(${identifier(name)} IS NULL OR ${fits(identifier(name), type)}) AS c${at}`).join(', ')} FROM ${all}`,
    );
    for (const [at, [name, type]] of pending.entries()) if (found[`c${at}`] === true) inferred.set(name, [type]);
  };
  const may = (name: string, type: StoredType): boolean =>
    texts.every(({ kinds }) => {
      const kind = kinds?.get(name);
      return kind === undefined || storedOfKind[kind].includes(type);
    });
  const filled = await database.row(
    `SELECT ${names.map((name, at) => `count(${identifier(name)}) > 0 AS c${at}`).join(', ')} FROM ${all}`,
  );
  const pending = (): readonly string[] => names.filter((name) => !inferred.has(name));
  // A column without any value fits every type: what is declared is all that is known of it.
  for (const type of inferenceOrder)
    await fitting(
      pending()
        .filter((name) => declared.get(name) === typeOf[type] && may(name, type))
        .map((name) => [name, type]),
    );
  for (const type of inferenceOrder)
    await fitting(
      names
        .filter((name, at) => !inferred.has(name) && filled[`c${at}`] === true && may(name, type))
        .map((name) => [name, type]),
    );
  // A column without any value says nothing about its type; text can hold whatever comes.
  for (const name of pending()) inferred.set(name, ['VARCHAR']);
  return inferred;
}
