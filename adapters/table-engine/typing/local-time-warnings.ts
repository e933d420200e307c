import type { DataWarning } from '../../../contracts/data/data-warning.ts';
import { isWritable } from './far-times.ts';
import { readingsOfLocal } from './local-instants.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { Warn } from './warn.ts';

interface LocalTimes {
  /** `timestamp` is `data.timestamp` as configured; `expression` is its SQL over `timed`. */
  readonly timestamp: string;
  readonly expression: string;
  readonly timezone: string;
}

/** Warns of the zone in which local times were read, and of the number of times that the zone skips or repeats. */
export async function warnOfLocalTimes(
  database: LockedDatabase,
  { timestamp, expression, timezone }: LocalTimes,
  warn: Warn,
): Promise<void> {
  const { first, own, isExact } = readingsOfLocal('t', timezone);
  const times = `SELECT TRY(CAST(${expression} AS TIMESTAMP)) AS local FROM timed`;
  // Clocks change on the quarter hour, so one time stands for all times of its quarter hour. Those of UTC never change.
  const query =
    timezone === 'UTC'
      ? `SELECT 'naive-time' AS kind, count(*) AS n, CAST(min(local) AS VARCHAR) AS example FROM (${times}) WHERE ${isWritable('local', 'TIMESTAMP')} HAVING n > 0`
      : `
    WITH times AS (${times}),
      quarters AS (SELECT time_bucket(INTERVAL 15 MINUTE, local) AS t, count(*) AS n, min(local) AS example FROM times WHERE ${isWritable('local', 'TIMESTAMP')} GROUP BY t)
    SELECT CASE WHEN NOT ${isExact(own)} AND NOT ${isExact(first)} THEN 'skipped-time' WHEN ${first} <> ${own} AND ${isExact(first)} THEN 'repeated-time' ELSE 'naive-time' END AS kind,
      sum(n)::BIGINT AS n, CAST(min(example) AS VARCHAR) AS example FROM quarters GROUP BY kind ORDER BY kind`;
  const found = await database.rows(query);
  const rows = found.reduce((sum, { n }) => sum + Number(n), 0);
  const where = `data.timestamp, ${JSON.stringify(timestamp)}, has times without an offset, which are read in ${timezone} (data.timezone)`;
  const wayOut = 'write times with an offset, such as 2026-03-29T01:30:00Z';
  const tell = (level: DataWarning['level'], kind: DataWarning['kind'], count: number, example: string, what: string) =>
    warn({ level, kind, column: null, count, example, message: `${where}: ${what}, such as ${example}; ${wayOut}` });
  const example = String(found[0]?.example ?? '');
  if (rows > 0) tell('guess', 'naive-time', rows, example, `${rows} rows`);
  for (const { kind, n, example: given } of found)
    if (kind === 'skipped-time')
      tell(
        'warning',
        kind,
        Number(n),
        String(given),
        `${n} rows have a time that a clock change skips in this zone, and are read one hour later`,
      );
    else if (kind === 'repeated-time')
      tell(
        'warning',
        kind,
        Number(n),
        String(given),
        `${n} rows have a time that occurs twice at a clock change in this zone, and are read as the first of the two`,
      );
}
