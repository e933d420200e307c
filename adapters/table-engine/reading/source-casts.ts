import type { ColumnType } from '../../../contracts/data/data-types.ts';
import { type CastTo, castCandidates, castOf, holdsDecimals, inferenceOrder } from '../typing/casts.ts';
import { type StoredType, typeOf } from '../typing/fields.ts';
import type { JsonKind, Source } from './source.ts';
import { type Reading, showsDecimals } from '../typing/spellings.ts';
import { identifier } from '../sql.ts';

const typesOfKind: Readonly<Record<JsonKind, readonly ColumnType[]>> = {
  boolean: ['boolean'],
  number: ['integer', 'number'],
  string: ['string', 'date', 'timestamp'],
};

/**
 * Returns the cast of a source's column to a stored type. JSON itself distinguishes numbers from text; only a declared
 * type overrides that.
 */
export function castIn(
  source: Pick<Source, 'kinds' | 'types' | 'hasEmptyText'>,
  name: string,
  stored: StoredType,
  reading: Reading,
): CastTo {
  const column = identifier(name);
  const kind = source.kinds?.get(name);
  if (kind !== undefined && reading === 'as-written' && !typesOfKind[kind].includes(typeOf[stored]))
    return { value: `CAST(NULL AS ${stored})`, misfit: `${column} IS NOT NULL` };
  const type = source.types?.get(name) ?? 'VARCHAR';
  if (source.hasEmptyText !== true || stored === 'VARCHAR') return castOf(type, stored, column, reading);
  const { value } = castOf(type, stored, `nullif(${column}, '')`, reading);
  const { misfit, ...cast } = castOf(type, stored, column, reading);
  return misfit === undefined ? { ...cast, value } : { ...cast, value, misfit: `(${column} <> '' AND (${misfit}))` };
}

/** Returns the types that may be inferred for a column of a source. */
export function candidatesIn(source: Source, name: string): readonly StoredType[] {
  if (source.types !== undefined) return castCandidates(source.types.get(name) ?? 'VARCHAR') ?? [];
  const kind = source.kinds?.get(name);
  return kind === undefined
    ? inferenceOrder
    : inferenceOrder.filter((stored) => typesOfKind[kind].includes(typeOf[stored]));
}

/** Returns an SQL aggregate that is true if the column's values show that it holds decimals. */
export function decimalsIn(source: Source, name: string): string {
  if (source.types !== undefined) return String(holdsDecimals(source.types.get(name) ?? ''));
  return `coalesce(bool_or(${showsDecimals(identifier(name))}), false)`;
}
