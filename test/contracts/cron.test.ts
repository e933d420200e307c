import { expect, test } from 'vitest';
import { checkCron, isDueAt } from '../../contracts/cron.ts';

test.each([
  '* * * * *',
  '0 3 1 * *',
  '*/5 0-6,22-23 1,15 jan-mar mon-fri',
  '0 0 * * 7',
  '0  3\t* * SUN',
  '59 23 31 12 0',
  '0/15 * * * *',
])('"%s" is a cron line', (line) => {
  expect(() => checkCron(line, '/cron')).not.toThrow();
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
  '@daily',
])('"%s" is none', (line) => {
  expect(() => checkCron(line, '/cron')).toThrow(
    expect.objectContaining({ code: 'invalid-request', fields: { pointer: '/cron' } }),
  );
});

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
])('"%s" is due at %s in %s: %s', (line, at, zone, expected) => {
  expect(isDueAt(line, at, zone)).toBe(expected);
});
