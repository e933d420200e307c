import { expect, test } from 'vitest';
import { keptCopies } from '../../adapters/ledger-proof/kept-copies.ts';

const everyQuarterHour = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    sequence: at + 1,
    signedAt: new Date(Date.UTC(2020, 0, 1) + at * 15 * 60_000).toISOString(),
  }));

test('the newest copies, the last of each day and the last of each month stay, and the others are removed', () => {
  const copies = everyQuarterHour(4 * 24 * 60);
  const kept = [...keptCopies(copies)].toSorted((a, b) => a - b);
  expect(kept.slice(-16)).toEqual(copies.slice(-16).map((copy) => copy.sequence));
  const ofJanuary = kept.filter((sequence) => copies[sequence - 1]!.signedAt < '2020-02-01');
  expect(copies[ofJanuary.at(-1)! - 1]!.signedAt).toBe('2020-01-31T23:45:00.000Z');
});

test('the number of copies is bounded, however often and long heads are signed', () => {
  const fiveYears = Array.from({ length: 5 * 365 }, (_, at) => ({
    sequence: at + 1,
    signedAt: new Date(Date.UTC(2020, 0, 1) + at * 24 * 60 * 60_000).toISOString(),
  }));
  expect(keptCopies(fiveYears).size).toBeLessThanOrEqual(16 + 30 + 24);
  expect(keptCopies(everyQuarterHour(4 * 24 * 365)).size).toBeLessThanOrEqual(16 + 30 + 24);
});

test('thinning the copies a second time removes nothing', () => {
  const kept = keptCopies(everyQuarterHour(5_000));
  const again = keptCopies(everyQuarterHour(5_000).filter((copy) => kept.has(copy.sequence)));
  expect(again).toEqual(kept);
});
