import { expect, test } from 'vitest';
import { checkCron } from '../../api/cron.ts';

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
