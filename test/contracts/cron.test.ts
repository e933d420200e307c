import { expect, test } from 'vitest';
import { canonicalCron, cronNote } from '../../contracts/cron.ts';

test.each([
  '* * * * *',
  '0 3 1 * *',
  '*/5 0-6,22-23 1,15 jan-mar mon-fri',
  '0 0 * * 7',
  '0  3\t* * SUN',
  '59 23 31 12 0',
  '0/15 * * * *',
  '0 0 29 2 MON',
])('"%s" is a cron line', (line) => {
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
  '@every 5m',
])('"%s" is none', (line) => {
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
])('"%s" is kept as "%s"', (line, kept) => {
  expect(canonicalCron(line, '/cron')).toBe(kept);
});

test('the error for a date that never comes says so, and the error for an unknown name suggests a valid line', () => {
  expect(() => canonicalCron('0 0 30 2 *', '/cron')).toThrow('"0 0 30 2 *" never fires');
  expect(() => canonicalCron('@every 5m', '/cron')).toThrow('*/5 * * * *');
});

test('a line that restricts both the day and the weekday causes a warning that both must match', () => {
  expect(cronNote('0 3 1 * MON')).toContain('both the day of month (1) and the weekday (MON)');
  expect([cronNote('0 3 1 * *'), cronNote('0 3 * * MON'), cronNote('0 3 1-31 * MON')]).toEqual([null, null, null]);
});
