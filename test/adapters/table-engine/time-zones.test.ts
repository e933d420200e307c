import { DuckDBInstance } from '@duckdb/node-api';
import { DateTime, IANAZone } from 'luxon';
import { expect, test } from 'vitest';
import { instantOfLocal } from '../../../adapters/table-engine/typing/local-instants.ts';
import { literal } from '../../../adapters/table-engine/sql.ts';

const otherNames =
  'Asia/Kolkata Europe/Kyiv America/Argentina/Buenos_Aires Etc/UTC GMT US/Eastern GB-Eire Etc/GMT+5 EST5EDT Zulu W-SU europe/berlin';
const zones = [...Intl.supportedValuesOf('timeZone'), 'UTC', ...otherNames.split(' ')];
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
 * Returns local times, encoded as if they were UTC: some in every season, and every half hour around the zone's clock
 * changes in 2024.
 */
function localTimes(zone: IANAZone): number[] {
  const seasons = [1972, 1995, 2011, 2024].flatMap((year) =>
    [0, 3, 6, 9].map((month) => Date.UTC(year, month, 15, 12)),
  );
  const changes: number[] = [];
  for (let day = Date.UTC(2024, 0, 1); day < Date.UTC(2025, 0, 1); day += dayMs)
    if (zone.offset(day) !== zone.offset(day + dayMs))
      for (let half = 0; half < 72; half += 1) changes.push(day - 6 * hourMs + (half * hourMs) / 2);
  return [...seasons, ...changes];
}

/**
 * Computes the instant of a local time with the JavaScript runtime. A skipped time is read with the earlier offset, and
 * a repeated time means its first occurrence.
 */
function expected(zone: IANAZone, local: number): number {
  const [earlier, later] = [local - 14 * hourMs, local + 14 * hourMs].map((at) => zone.offset(at) * 60_000);
  const candidates = [local - (earlier ?? 0), local - (later ?? 0)];
  const valid = candidates.filter((instant) => instant + zone.offset(instant) * 60_000 === local);
  return valid.length === 0 ? local - (earlier ?? 0) : Math.min(...valid);
}

test('DuckDB reads a local time in every zone as the JavaScript runtime does, clock changes included', async () => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const different: string[] = [];
  for (const name of zones) {
    const zone = IANAZone.create(name);
    const times = localTimes(zone);
    const values = times.map((time) => `make_timestamp(${time}000)`).join(', ');
    const rows = await connection.runAndReadAll(
      `SELECT epoch_ms(${instantOfLocal('local', name)})::DOUBLE FROM (SELECT unnest([${values}]) AS local)`,
    );
    for (const [at, [read]] of rows.getRows().entries()) {
      const local = times[at] ?? Number.NaN;
      if (Number(read) !== expected(zone, local))
        different.push(`${name}: ${DateTime.fromMillis(local, { zone: 'utc' }).toISO()} is ${Number(read)}`);
    }
  }
  expect(different).toEqual([]);
});

test('a quote in a zone name is escaped', () => {
  expect(instantOfLocal('t', "x'y")).toContain(literal("x'y"));
});
