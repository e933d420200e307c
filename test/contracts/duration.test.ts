import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Duration, durationMs, isCertainlyShorter } from '../../contracts/time/duration.ts';
import { parseDuration, shiftInstant } from '../../contracts/time/shift-instant.ts';

describe('a duration', () => {
  test.each([
    ['250ms', 250, 'milliseconds'],
    ['5s', 5, 'seconds'],
    ['10m', 10, 'minutes'],
    ['72h', 72, 'hours'],
    ['14d', 14, 'days'],
    ['14 days', 14, 'days'],
    ['1 day', 1, 'days'],
    ['2 weeks', 2, 'weeks'],
    ['1 month', 1, 'months'],
    ['6 months', 6, 'months'],
    ['1 year', 1, 'years'],
  ])('is read from %s', (text, amount, unit) => {
    expect(parseDuration(text)).toEqual({ amount, unit });
    expect(Duration.safeParse(text).success).toBe(true);
  });

  test.each([
    '',
    '1',
    'm',
    '-1h',
    '1.5h',
    '1 h',
    '1 months ago',
    '1M',
    '1234567s',
    ' 1h',
    '1h ',
    '1  day',
    '1 fortnight',
  ])('is not read from "%s"', (text) => {
    expect(parseDuration(text)).toBeUndefined();
    expect(Duration.safeParse(text).success).toBe(false);
  });

  test('is at most a century, so that an instant moved by it is a valid date', () => {
    expect(Duration.safeParse('100 years').success).toBe(true);
    expect(Duration.safeParse('101 years').error?.issues[0]?.message).toContain('at most 100 years');
  });

  test('has a fixed length if it does not depend on the calendar', () => {
    expect(durationMs('1 day')).toBe(24 * durationMs('1h'));
    expect(durationMs('1 week')).toBe(durationMs('7 days'));
    expect(durationMs('90s')).toBe(90_000);
    expect(() => durationMs('soon')).toThrow(/"soon" is not a duration/);
  });
});

describe('an instant moved by a duration', () => {
  test.each([
    ['2012-03-31T12:00:00.000Z', '1 month', -1, 'UTC', '2012-02-29T12:00:00.000Z'],
    ['2012-01-31T12:00:00.000Z', '1 month', 1, 'UTC', '2012-02-29T12:00:00.000Z'],
    // In New York the clocks go forward on 2012-03-11. That day has 23 hours: `1 day` covers all of it, and `24 hours`
    // is longer.
    ['2012-03-12T04:00:00.000Z', '1 day', -1, 'America/New_York', '2012-03-11T05:00:00.000Z'],
    ['2012-03-12T04:00:00.000Z', '24h', -1, 'America/New_York', '2012-03-11T04:00:00.000Z'],
    ['2012-07-01T04:00:00.000Z', '6 months', -1, 'America/New_York', '2012-01-01T05:00:00.000Z'],
  ] as const)('%s by %s (%d) in %s is %s', (instant, duration, sign, zone, moved) => {
    expect(shiftInstant(instant, duration, sign, zone)).toBe(moved);
  });
});

describe('the comparison of two durations', () => {
  test.each([
    ['14 days', '6 months', true],
    ['6 months', '6 months', false],
    ['12 months', '1 year', false],
    ['11 months', '1 year', true],
    ['187 days', '6 months', false],
    ['30 days', '1 month', undefined],
    ['27 days', '1 month', true],
    ['1 month', '31 days', undefined],
    ['24h', '1 day', false],
    ['365 days', '1 year', undefined],
  ])('finds whether %s is certainly shorter than %s: %s', (a, b, shorter) => {
    expect(isCertainlyShorter(a, b)).toBe(shorter);
  });

  test('never contradicts the calendar, on any day', () => {
    const duration = fc
      .tuple(fc.integer({ min: 1, max: 60 }), fc.constantFrom('day', 'week', 'month', 'year'))
      .map(([amount, unit]) => `${amount} ${unit}s`);
    const from = fc.date({ min: new Date('2000-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(duration, duration, from, (a, b, day) => {
        const certain = isCertainlyShorter(a, b);
        if (certain === undefined) return;
        const [startOfA, startOfB] = [a, b].map((length) => shiftInstant(day.toISOString(), length, -1, 'UTC'));
        // A short month can make two lengths end on the same day, but it never reverses their order.
        if (certain) expect(startOfA! >= startOfB!).toBe(true);
        else expect(startOfA! <= startOfB!).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
