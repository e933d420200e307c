import { expect, test } from 'vitest';
import { fallenRatios } from '../../bench/running/fallen-ratios.ts';
import type { Ratio } from '../../bench/running/bench-measure.ts';
import type { RecordedResult } from '../../bench/running/recorded-results.ts';

function resultWith(ratios: readonly Partial<Ratio>[]): RecordedResult {
  const whole = ratios.map((ratio) => ({ name: 'ours / floor', median: 1, min: 1, max: 1, ...ratio }));
  const comparison = { name: 'rows', unit: 'rows/s', moreIsBetter: true, samples: {}, ratios: whole };
  return { outcome: { comparisons: [comparison], figures: [], absent: [], versions: {}, notes: [] } } as never;
}

test('a ratio below 0.7 of its recorded value has fallen, and is named', () => {
  const [fallen] = fallenRatios(resultWith([{ median: 0.34 }]), resultWith([{ median: 0.5 }]));
  expect(fallen?.sentence).toBe('rows: ours / floor is 0.34, below 0.7 of the recorded 0.5');
  expect(fallenRatios(resultWith([{ median: 0.36 }]), resultWith([{ median: 0.5 }]))).toEqual([]);
});

test('a ratio that was not measured, or of which less is better, is not compared', () => {
  expect(fallenRatios(resultWith([]), resultWith([{ median: 0.5 }]))).toEqual([]);
  const atMost = { target: { must: 3, atMost: true } };
  expect(fallenRatios(resultWith([{ median: 9, ...atMost }]), resultWith([{ median: 30, ...atMost }]))).toEqual([]);
});
