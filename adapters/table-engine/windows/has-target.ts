import { identifier } from '../sql.ts';

/**
 * Returns the SQL condition that a row has a target. NULL, NaN, infinity and blank text are not targets.
 *
 * @param type the column's type in DuckDB.
 */
export function hasTarget(column: string, type: string): string {
  const name = identifier(column);
  if (type === 'DOUBLE' || type === 'FLOAT') return `coalesce(isfinite(${name}), false)`;
  if (type === 'VARCHAR') return `coalesce(trim(${name}) <> '', false)`;
  return `${name} IS NOT NULL`;
}
