import { DateTime } from 'luxon';
import { describe, expect, test } from 'vitest';
import { firingInZone, isDueAt, lastFiring, nextFirings, owedFiring } from '../../contracts/time/firings.ts';

test.each([
  ['* * * * *', '2026-11-29T20:08:00.000Z', 'UTC', true],
  ['* * * * *', '2026-11-29T20:08:01.000Z', 'UTC', false],
  ['0 3 1 * *', '2026-11-01T03:00:00.000Z', 'UTC', true],
  ['0 3 1 * *', '2026-11-02T03:00:00.000Z', 'UTC', false],
  ['0 3 1 * *', '2026-11-01T02:00:00.000Z', 'Europe/Zurich', true],
  ['*/20 * * * *', '2026-11-29T20:40:00.000Z', 'UTC', true],
  ['*/20 * * * *', '2026-11-29T20:41:00.000Z', 'UTC', false],
  ['5/15 9-17 * jan-nov mon-fri', '2026-11-27T09:20:00.000Z', 'UTC', true],
  ['5/15 9-17 * jan-nov mon-fri', '2026-11-28T09:20:00.000Z', 'UTC', false],
  ['0 0 * * 7', '2026-11-29T00:00:00.000Z', 'UTC', true],
  ['0 0 * * sun', '2026-11-29T00:00:00.000Z', 'UTC', true],
  ['0 0 * * 0,1', '2026-11-28T00:00:00.000Z', 'UTC', false],
  ['0 0 1 * mon', '2026-11-30T00:00:00.000Z', 'UTC', false],
])('"%s" is due at %s in %s: %s', (cron, at, timezone, expected) => {
  expect(isDueAt({ cron, timezone }, at)).toBe(expected);
});

/** Returns the first instant after the year's clock change in the given direction. */
function clockChange(timezone: string, year: number, direction: 'spring' | 'autumn'): DateTime {
  const moves = (from: DateTime, to: DateTime) =>
    direction === 'spring' ? to.offset > from.offset : to.offset < from.offset;
  let at = DateTime.utc(year).setZone(timezone);
  for (const step of [{ days: 1 }, { hours: 1 }, { minutes: 30 }] as const) {
    while (!moves(at, at.plus(step)) && at.year <= year) at = at.plus(step);
  }
  return at.plus({ minutes: 30 });
}

/** Returns the firings on the local date of a clock change and on the days before and after. */
function around(cron: string, timezone: string, change: DateTime): readonly string[] {
  const from = change.minus({ days: 1 }).startOf('day').minus(1);
  const until = change.plus({ days: 2 }).startOf('day').toJSDate().toISOString();
  return nextFirings({ cron, timezone }, from.toJSDate().toISOString(), 2_000).filter((at) => at < until);
}

describe.each([
  ['America/New_York', '30 2 * * *', '30 1 * * *'],
  ['Europe/Berlin', '30 2 * * *', '30 2 * * *'],
  ['Australia/Lord_Howe', '15 2 * * *', '45 1 * * *'],
  ['America/Santiago', '30 0 * * *', '30 23 * * *'],
])('in %s', (timezone, skipped, repeated) => {
  test(`a daily firing at a local time that the clock skips (${skipped}) comes once, later by the size of the change`, () => {
    const change = clockChange(timezone, 2027, 'spring');
    const firings = around(skipped, timezone, change);
    expect(firings).toHaveLength(3);
    const moved = DateTime.fromISO(firings[1] ?? '', { zone: timezone });
    expect(moved.startOf('day').toISODate()).toBe(change.toISODate());
    expect(moved.toMillis()).toBeGreaterThan(change.toMillis());
    expect(isDueAt({ cron: skipped, timezone }, firings[1] ?? '')).toBe(true);
  });

  test(`a daily firing at a local time that the clock repeats (${repeated}) comes once, at its first occurrence`, () => {
    const change = clockChange(timezone, 2027, 'autumn');
    const [, first = ''] = around(repeated, timezone, change);
    expect(around(repeated, timezone, change)).toHaveLength(3);
    expect(Date.parse(first)).toBeLessThan(change.toMillis());
    const minutes = change.minus({ minutes: 1 }).offset - change.offset;
    const again = DateTime.fromISO(first).plus({ minutes }).toJSDate().toISOString();
    expect(isDueAt({ cron: repeated, timezone }, first)).toBe(true);
    expect(isDueAt({ cron: repeated, timezone }, again)).toBe(false);
  });

  test('an hourly schedule follows elapsed time through both clock changes', () => {
    for (const direction of ['spring', 'autumn'] as const) {
      const change = clockChange(timezone, 2027, direction);
      const firings = around('*/30 * * * *', timezone, change).map((at) => Date.parse(at));
      const gaps = new Set(firings.slice(1).map((at, index) => at - (firings[index] ?? 0)));
      expect([...gaps]).toEqual([30 * 60_000]);
    }
  });
});

test('the next five firings are in order, even if years lie between them', () => {
  const days = nextFirings({ cron: '0 3 1 * MON', timezone: 'UTC' }, '2026-11-30T00:00:00.000Z', 5);
  expect(days).toEqual(
    ['2027-02-01', '2027-03-01', '2027-11-01', '2028-05-01', '2029-01-01'].map((day) => `${day}T03:00:00.000Z`),
  );
  const leaps = nextFirings({ cron: '0 0 29 2 *', timezone: 'UTC' }, '2094-01-01T00:00:00.000Z', 2);
  expect(leaps).toEqual(['2096-02-29T00:00:00.000Z', '2104-02-29T00:00:00.000Z']);
});

test('a firing is shown in the local time of its zone', () => {
  expect(firingInZone('2026-12-01T08:00:00.000Z', 'America/New_York')).toBe('Tue 2026-12-01 03:00 -05:00');
});

test('the last firing between two instants is found, and both bounds are inclusive', () => {
  const monthly = { cron: '0 3 1 * *', timezone: 'Asia/Kolkata' };
  const due = '2026-10-31T21:30:00.000Z';
  expect(lastFiring(monthly, due, due)).toBe(due);
  expect(lastFiring(monthly, '2026-01-01T00:00:00.000Z', '2026-11-30T00:00:00.000Z')).toBe(due);
  expect(lastFiring(monthly, '2026-11-01T00:00:00.000Z', '2026-11-30T00:00:00.000Z')).toBeUndefined();
});

test('the missed firing to make up is the latest one since the schedule was set and last fired', () => {
  const often = { cron: '*/5 * * * *', timezone: 'UTC', paused: false, recordedAt: '2026-11-01T00:00:00.000Z' };
  const now = '2026-11-30T12:03:00.000Z';
  expect(owedFiring({ ...often, lastFiredAt: '2026-11-29T12:00:00.000Z' }, now)).toBe('2026-11-30T12:00:00.000Z');
  expect(owedFiring({ ...often, lastFiredAt: '2026-11-30T12:00:00.000Z' }, now)).toBeUndefined();
  expect(owedFiring({ ...often, lastFiredAt: null, recordedAt: '2026-11-30T12:01:00.000Z' }, now)).toBeUndefined();
  expect(owedFiring({ ...often, lastFiredAt: null, paused: true }, now)).toBeUndefined();
});
