import { expect, test } from 'vitest';
import { compareInRounds, medianOf } from '../../bench/running/compare-in-rounds.ts';

const bench = { rounds: 3, say: () => {}, signal: new AbortController().signal };

/** A contestant that does these values, one a round, and notes its turns. */
function contestant(name: string, values: readonly number[], turns: string[]) {
  let at = 0;
  return {
    name,
    once: async () => {
      turns.push(name);
      const value = values[at] ?? Number.NaN;
      at += 1;
      return { value, p99Ms: 1 / value };
    },
  };
}

test('contestants take turns, the first round does not count, and ratios are formed within a round', async () => {
  const turns: string[] = [];
  const comparison = await compareInRounds(bench, {
    name: 'rows',
    unit: 'rows/s',
    moreIsBetter: true,
    contestants: [contestant('ours', [1, 10, 30, 20], turns), contestant('floor', [1000, 20, 40, 80], turns)],
    ratios: [
      { name: 'ours / floor', of: 'ours', over: 'floor', target: { must: 0.5 } },
      { name: 'p99', of: 'ours', over: 'floor', quantity: 'p99Ms' },
      { name: 'ours / peer', of: 'ours', over: 'peer' },
    ],
  });
  expect(turns).toEqual(['ours', 'floor', 'ours', 'floor', 'ours', 'floor', 'ours', 'floor']);
  expect(comparison.samples['ours']?.map(({ value }) => value)).toEqual([10, 30, 20]);
  expect(comparison.ratios[0]).toEqual({
    name: 'ours / floor',
    median: 0.5,
    min: 0.25,
    max: 0.75,
    target: { must: 0.5 },
  });
  expect(comparison.ratios[1]).toMatchObject({ name: 'p99', median: 2 });
  expect(comparison.ratios).toHaveLength(2);
});

test('the median of an even number of values is between the two in the middle', () => {
  expect(medianOf([4, 1, 3, 2])).toBe(2.5);
  expect(medianOf([3, 1, 2])).toBe(2);
});
