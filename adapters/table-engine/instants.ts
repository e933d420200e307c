import { literal } from './sql.ts';

/**
 * SQL that reads a naive local time in a zone as TIMESTAMP in UTC, by the offset that was in force before a change of
 * the clocks: a time that the zone skips becomes the instant one hour on, one that it has twice the first. (DuckDB's
 * own conversion gives the second.)
 */
export function instantOfLocal(local: string, timezone: string): string {
  const zone = literal(timezone);
  const own = `timezone('UTC', timezone(${zone}, ${local}))`;
  const dayBefore = `(timezone(${zone}, ${local}) - INTERVAL 24 HOURS)`;
  const offsetBefore = `(timezone(${zone}, ${dayBefore}) - timezone('UTC', ${dayBefore}))`;
  const first = `(${local} - ${offsetBefore})`;
  return `CASE WHEN timezone(${zone}, timezone('UTC', ${first})) = ${local} THEN ${first} ELSE ${own} END`;
}
