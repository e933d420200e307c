import { literal } from '../sql.ts';

/**
 * SQL of the ways to read a naive local time in a zone as TIMESTAMP in UTC: `first`, by the offset that was in force a
 * day before, and `own`, DuckDB's, which of a time that the zone has twice is the second. `isExact` is true for a reading
 * that is this local time; none is for a time that the zone skips.
 */
export function readingsOfLocal(
  local: string,
  timezone: string,
): { readonly first: string; readonly own: string; isExact(reading: string): string } {
  const zone = literal(timezone);
  const own = `timezone('UTC', timezone(${zone}, ${local}))`;
  const dayBefore = `(timezone(${zone}, ${local}) - INTERVAL 24 HOURS)`;
  const offsetBefore = `(timezone(${zone}, ${dayBefore}) - timezone('UTC', ${dayBefore}))`;
  const first = `(${local} - ${offsetBefore})`;
  return { first, own, isExact: (reading) => `timezone(${zone}, timezone('UTC', ${reading})) = ${local}` };
}

/**
 * SQL that reads a naive local time in a zone as TIMESTAMP in UTC, by the offset that was in force before a change of
 * the clocks: a time that the zone skips becomes the instant one hour on, one that it has twice the first.
 */
export function instantOfLocal(local: string, timezone: string): string {
  const { first, own, isExact } = readingsOfLocal(local, timezone);
  return `CASE WHEN ${isExact(first)} THEN ${first} ELSE ${own} END`;
}
