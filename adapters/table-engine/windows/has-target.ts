import { identifier } from '../sql.ts';

/**
 * SQL that says whether a row has a target, which is what it is trained on and measured by. NULL, NaN, infinity and
 * blank text are none.
 *
 * @param type the column's type in DuckDB.
 */
export function hasTarget(column: string, type: string): string {
  const name = identifier(column);
  if (type === 'DOUBLE' || type === 'FLOAT') return `coalesce(isfinite(${name}), false)`;
  if (type === 'VARCHAR') return `coalesce(trim(${name}) <> '', false)`;
  return `${name} IS NOT NULL`;
}
