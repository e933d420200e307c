import type { LockedDatabase } from '../process/locked-database.ts';
import { identifier } from '../sql.ts';
import { instantOfLocal } from '../typing/local-instants.ts';

interface LocalColumn {
  readonly table: string;
  /** A column of dates or naive timestamps. */
  readonly column: string;
  readonly timezone: string;
}

/** Since then, the clocks of every zone have shown whole minutes of UTC and have changed on a whole minute. */
const firstDay = "TIMESTAMP '1973-01-01 00:00:00'";
const lastDay = "TIMESTAMP '9998-12-31 00:00:00'";
/** More changes than the clocks of a zone make in two hundred years. */
const changesAtMost = 400;

/**
 * Returns SQL of the instants of a column of local times, with the readings of `instantOfLocal`. The zone is asked about
 * the days that occur and about each minute of a day with a change, not about each row. Returns undefined for times that
 * need the zone for each row.
 */
export async function instantsOfColumn(
  database: LockedDatabase,
  { table, column, timezone }: LocalColumn,
): Promise<string | undefined> {
  const local = `CAST(${identifier(column)} AS TIMESTAMP)`;
  if (timezone === 'UTC') return instantOfLocal(local, timezone);
  const { outside } = await database.row(
    `SELECT coalesce(min(${local}) < ${firstDay} OR max(${local}) > ${lastDay}, true) AS outside FROM ${table}`,
  );
  if (outside !== false) return undefined;
  const shift = (time: string): string => `(${instantOfLocal(time, timezone)}) - ${time}`;
  const changes = await database.rows(
    `WITH days AS (SELECT DISTINCT date_trunc('day', ${local})::TIMESTAMP AS t FROM ${table} WHERE ${identifier(column)} IS NOT NULL),
      ends AS (SELECT t, ${shift('t')} AS early, t + INTERVAL 24 HOURS - INTERVAL 1 MICROSECOND AS last_moment, ${shift('last_moment')} AS late FROM days),
      minutes AS (SELECT unnest(range(t, t + INTERVAL 24 HOURS, INTERVAL 1 MINUTE)) AS t FROM ends WHERE early <> late),
      shifts AS (SELECT t, early AS shift FROM ends WHERE early = late UNION ALL SELECT t, ${shift('t')} AS shift FROM minutes)
    SELECT CAST(t AS VARCHAR) AS since, epoch_us(shift) AS microseconds
      FROM (SELECT t, shift, lag(shift) OVER (ORDER BY t) AS before FROM shifts) WHERE shift IS DISTINCT FROM before ORDER BY t`,
  );
  if (changes.length > changesAtMost) return undefined;
  const shifted = changes.map(({ since, microseconds }) => ({
    since: String(since),
    instant: Number(microseconds) === 0 ? local : `${local} + to_microseconds(${String(microseconds)})`,
  }));
  const [first, ...later] = shifted;
  if (first === undefined) return local;
  // Times of the latest change come first, so that few conditions are asked about each row.
  const cases = later.toReversed().map(({ since, instant }) => `WHEN ${local} >= TIMESTAMP '${since}' THEN ${instant}`);
  return cases.length === 0 ? first.instant : `CASE ${cases.join(' ')} ELSE ${first.instant} END`;
}
