import { expect, it } from 'vitest';
import { blocksOfRows as blocksOfTimes } from '../../activities/build/evaluation/blocks-of-rows.ts';

const from = '2012-03-10T05:00:00.000Z';
const to = '2012-03-13T04:00:00.000Z';
const zone = 'America/New_York';

function blocksOfRows(times: (string | null)[], begin: string, end: string, block: string, of: string): number[] {
  const timesMs = Float64Array.from(times, (time) => (time === null ? Number.NaN : Date.parse(time)));
  return [...blocksOfTimes(timesMs, begin, end, block, of)];
}

it('a day is a calendar day, even if it has 23 hours', () => {
  // The local day 2012-03-11 lasts from 05:00Z to 04:00Z, because the clocks went forward in New York.
  const times = [
    '2012-03-11T04:59:59.999Z',
    '2012-03-11T05:00:00.000Z',
    '2012-03-12T03:59:59.999Z',
    '2012-03-12T04:00:00.000Z',
  ];
  expect(blocksOfRows(times, from, to, '1 day', zone)).toEqual([0, 1, 1, 2]);
});

it('rows need not be sorted, and the last block includes the remaining rows', () => {
  const times = ['2012-03-13T03:00:00.000Z', from, '2012-03-12T12:00:00.000Z'];
  expect(blocksOfRows(times, from, to, '2 days', zone)).toEqual([1, 0, 1]);
});

it('months do not drift, because each one is counted from the beginning', () => {
  const times = [
    '2012-02-28T12:00:00.000Z',
    '2012-03-30T12:00:00.000Z',
    '2012-03-31T12:00:00.000Z',
    '2012-04-30T12:00:00.000Z',
  ];
  expect(blocksOfRows(times, '2012-01-31T00:00:00.000Z', '2012-06-01T00:00:00.000Z', '1 month', 'UTC')).toEqual([
    0, 1, 2, 3,
  ]);
});

it('every row is a block of its own if any row lacks a time', () => {
  expect(blocksOfRows([null, null, null], from, to, '1 day', zone)).toEqual([0, 1, 2]);
  expect(blocksOfRows([from, null, from], from, to, '1 day', zone)).toEqual([0, 1, 2]);
  expect(blocksOfRows([], from, to, '1 day', zone)).toEqual([]);
});

it('a beginning long before the rows costs nothing, because only the days of the rows become boundaries', () => {
  const days = ['2026-01-01T05:00:00.000Z', '2026-01-02T05:00:00.000Z', '2026-01-02T06:00:00.000Z'];
  const began = performance.now();
  const [first = 0, ...rest] = blocksOfRows(
    days,
    '0001-01-01T00:00:00.000Z',
    '2026-11-24T00:00:00.000Z',
    '1 day',
    'UTC',
  );
  expect(rest).toEqual([first + 1, first + 1]);
  expect(performance.now() - began).toBeLessThan(2_000);
});
