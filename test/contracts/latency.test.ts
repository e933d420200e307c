import { expect, it } from 'vitest';
import { latencyBoundsMs, latencyBucket, latencyQuantileMs, mergeLatencies } from '../../contracts/models/latency.ts';

function counts(...milliseconds: number[]): number[] {
  const buckets = Array.from({ length: latencyBoundsMs.length + 1 }, () => 0);
  for (const taken of milliseconds) buckets[latencyBucket(taken)]! += 1;
  return buckets;
}

it("a latency equal to a bucket's bound is counted in that bucket", () => {
  expect([0, 1, 1.01, 2, 10_000, 10_001].map(latencyBucket)).toEqual([0, 0, 1, 1, 22, 23]);
});

it('a quantile is interpolated linearly within its bucket', () => {
  expect(latencyQuantileMs(counts(6, 6, 6, 6), 0.5)).toBeCloseTo(6.25, 12);
  expect(latencyQuantileMs(counts(...Array<number>(99).fill(1), 60), 0.99)).toBeCloseTo(1, 12);
  expect(latencyQuantileMs(counts(60_000), 0.99)).toBe(10_000);
  expect(latencyQuantileMs([], 0.99)).toBeUndefined();
});

it('counts of gateways are added, and missing buckets count as zero', () => {
  expect(mergeLatencies([[1, 2], [], [3, 0, 4]])).toEqual([4, 2, 4]);
});
