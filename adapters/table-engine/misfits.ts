import type { ColumnType } from '../../contracts/data-types.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { type Field, fits } from './fields.ts';
import type { Database } from './lockedDatabase.ts';
import { type JsonKind, type Source, placeOf } from './source.ts';
import { identifier } from './sql.ts';

const typesOfKind: Readonly<Record<JsonKind, readonly ColumnType[]>> = {
  boolean: ['boolean'],
  number: ['integer', 'number'],
  string: ['string', 'date', 'timestamp'],
};

/** SQL that is true for a value of this source that the cast would lose or change; undefined where there can be none. */
export function misfitOf(source: Source, field: Field): string | undefined {
  const name = identifier(field.name);
  const isThere = `${name} IS NOT NULL`;
  const kind = source.kinds?.get(field.name);
  if (kind !== undefined && !typesOfKind[kind].includes(field.type)) return isThere;
  const stored = source.stored?.get(field.name);
  if (source.stored === undefined)
    return field.stored === 'VARCHAR' ? undefined : `${isThere} AND NOT ${fits(name, field.stored)}`;
  if (stored === field.stored) return undefined;
  return stored === 'BIGINT' && field.stored === 'DOUBLE' ? inexact(name) : isThere;
}

/** True for a whole number that a DOUBLE does not hold. */
export function inexact(name: string): string {
  return `CAST(CAST(${name} AS DOUBLE) AS HUGEINT) <> ${name}`;
}

/** Refuses the first value that is not of its column's type: `schema-changed`. */
export async function checkValues(database: Database, source: Source, fields: readonly Field[]): Promise<void> {
  const misfits = fields.flatMap((field) => {
    const condition = misfitOf(source, field);
    return condition === undefined ? [] : [{ field, condition }];
  });
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
      `${place.text}: column "${field.name}" is pinned to ${expected}, and ${JSON.stringify(value)} is none; ${wayOut(field)}`,
      { file: source.file.name, line: place.line, column: field.name, expected, value: String(value) },
    );
  }
}

function wayOut({ name, type }: Field): string {
  const widened = type === 'integer' ? 'number' : type === 'date' ? 'timestamp' : undefined;
  return widened === undefined
    ? 'correct the value, or begin a new model if the column has changed its meaning'
    : `correct the value, or say by an expectation that the column is wider now, { column: ${name}, type: ${widened} }`;
}
