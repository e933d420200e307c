import { expect, test } from 'vitest';
import { canonicalCron, cronNote } from '../../contracts/time/cron.ts';
import { nextFirings } from '../../contracts/time/firings.ts';

test.each([
  '* * * * *',
  '0 3 1 * *',
  '*/5 0-6,22-23 1,15 jan-mar mon-fri',
  '0 0 * * 7',
  '0  3\t* * SUN',
  '59 23 31 12 0',
  '0/15 * * * *',
  '0 0 29 2 MON',
])('"%s" is a valid cron line', (line) => {
  expect(() => canonicalCron(line, '/cron')).not.toThrow();
});

test.each([
  '',
  '* * * *',
  '* * * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '* * * * 8',
  '5-1 * * * *',
  '*/0 * * * *',
  'a * * * *',
  '1,,2 * * * *',
  '1-2-3 * * * *',
  '* * * foo *',
  '0 0 30 2 *',
  '0 0 31 4,6,9,11 *',
  '@fortnightly',
  '0 0 28-3 * *',
])('"%s" is not a valid cron line', (line) => {
  expect(() => canonicalCron(line, '/cron')).toThrow(
    expect.objectContaining({ code: 'invalid-request', fields: { pointer: '/cron' } }),
  );
});

test.each([
  ['@yearly', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@Weekly', '0 0 * * 0'],
  [' @daily ', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
  [' 0  3\t1 * * ', '0 3 1 * *'],
  ['@every 5m', '*/5 * * * *'],
  ['@EVERY 60m', '0 * * * *'],
  ['@every 6h', '0 */6 * * *'],
  ['@every 24h', '0 0 * * *'],
  ['0 3 * * FRI-MON', '0 3 * * 0,1,5,6'],
  ['0 3 * * MON-SUN/2', '0 3 * * 0,1,3,5'],
  ['0 3 * * 6-7', '0 3 * * 6-7'],
  ['0 22-2 * nov-feb *', '0 0,1,2,22,23 * 1,2,11,12 *'],
])('"%s" is stored as "%s"', (line, kept) => {
  expect(canonicalCron(line, '/cron')).toBe(kept);
});

test.each([
  ['0 0 30 2 *', 'never fires'],
  ['@every 7m', '@every with 1m, 2m'],
  ['@every 10s', '@every with 1m, 2m'],
  ['@reboot', 'perennial trigger'],
  ['@fortnightly', '@daily'],
  [
    '0 0 3 1 * MON',
    'has 6 fields instead of 5; expected "minute hour day month weekday", such as "0 3 1 * *"; seconds',
  ],
  ['0 0 L * *', 'L, the last day, is not supported; use the first day of the next month'],
  ['0 0 * * 5L', 'L, the last day'],
  ['0 0 * * MON#2', 'use the weekday with the seven days of the month'],
  ['0 0 15W * *', 'W, the nearest working day'],
  ['H 3 * * *', 'name a minute and an hour'],
])('"%s" is refused with the reason and the way out', (line, message) => {
  expect(() => canonicalCron(line, '/cron')).toThrow(message);
});

test('the suggested line for the second Monday of a month fires on that day', () => {
  const [first] = nextFirings({ cron: '0 0 8-14 * MON', timezone: 'UTC' }, '2026-12-01T00:00:00.000Z', 1);
  expect(first).toBe('2026-12-14T00:00:00.000Z');
});

test('a line that restricts both the day and the weekday causes a warning that both must match', () => {
  expect(cronNote('0 3 1 * MON')).toContain('both the day of month (1) and the weekday (MON)');
  expect([cronNote('0 3 1 * *'), cronNote('0 3 * * MON'), cronNote('0 3 1-31 * MON')]).toEqual([null, null, null]);
});
