import { literal } from '../sql.ts';

/**
 * Returns SQL of two ways to read a naive local time in a zone as TIMESTAMP in UTC. `first` applies the offset that was
 * in force a day before. `own` is DuckDB's reading, which is the second instant of a local time that occurs twice.
 * `isExact` returns SQL that is true if the zone has this local time at the instant of a reading. It is true of neither
 * reading if the zone skips the time.
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
 * Returns SQL that reads a naive local time in a zone as TIMESTAMP in UTC, by the offset that was in force before a
 * clock change. A time that the zone skips becomes the instant one hour later; a time that occurs twice becomes the
 * first instant.
 */
export function instantOfLocal(local: string, timezone: string): string {
  if (timezone === 'UTC') return local;
  const { first, own, isExact } = readingsOfLocal(local, timezone);
  return `CASE WHEN ${isExact(first)} THEN ${first} ELSE ${own} END`;
}
