import { expect, test } from 'vitest';
import { periodBounds } from '../../contracts/time/period-bounds.ts';

const zone = 'America/New_York';

test.each([
  [{ from: '2011-07', to: '2012-12', every: 'month' }, '2011-07-01T04:00:00.000Z', '2013-01-01T05:00:00.000Z'],
  [{ from: '2012-03-10', to: '2012-03-12', every: 'day' }, '2012-03-10T05:00:00.000Z', '2012-03-13T04:00:00.000Z'],
  [{ from: '2012-03-05', to: '2012-03-18', every: 'week' }, '2012-03-05T05:00:00.000Z', '2012-03-19T04:00:00.000Z'],
  [
    { from: '2012-01-01T00:00:00', to: '2012-02-01T05:00:00Z', every: 'month' },
    '2012-01-01T05:00:00.000Z',
    '2012-02-01T05:00:00.000Z',
  ],
] as const)('the bounds of %j are computed in the zone', (given, from, to) => {
  expect(periodBounds(given, zone)).toEqual({ from, to });
});

test.each([
  [{ from: '2011-07-01T00:00:00Z', to: '2011-08', every: 'month' }, '/from'],
  [{ from: '2011-07', to: '2011-08-15', every: 'month' }, '/to'],
  [{ from: '2011-07', to: '2011-06', every: 'month' }, '/to'],
  [{ from: '2011-13', to: '2012-01', every: 'month' }, '/from'],
  [{ from: '2011-07', to: '2011-07', every: 'week' }, '/to'],
  [{ from: '1900-01', to: '2011-07', every: 'day' }, '/to'],
] as const)('the period %j is refused', (given, pointer) => {
  expect(() => periodBounds(given, zone)).toThrow(
    expect.objectContaining({ code: 'invalid-request', fields: { pointer } }),
  );
});
