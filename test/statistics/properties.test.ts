import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binCounts } from '../../statistics/drift/bin-counts.ts';
import { chiSquared } from '../../statistics/drift/chi-squared.ts';
import { decileEdges } from '../../statistics/drift/decile-edges.ts';
import { kolmogorovSmirnov } from '../../statistics/drift/kolmogorov-smirnov.ts';
import { populationStabilityIndex } from '../../statistics/drift/population-stability-index.ts';
import { seededRandom } from '../../statistics/probability/seeded-random.ts';
import { valueCounts } from '../../statistics/drift/value-counts.ts';

const numbers = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 60 });
const counts = fc
  .array(fc.tuple(fc.nat(40), fc.nat(40)), { minLength: 1, maxLength: 12 })
  .filter((pairs) => pairs.some(([a]) => a > 0) && pairs.some(([, b]) => b > 0));
const sorted = (values: readonly number[]) => Float64Array.from(values).toSorted();
const counted = (values: readonly number[]) => valueCounts(sorted(values));

describe('bins', () => {
  it('contain every value exactly once, and are closed on the left and open on the right', () => {
    fc.assert(
      fc.property(numbers, numbers, (values, edgeSource) => {
        const edges = decileEdges(sorted(edgeSource));
        const bins = binCounts(sorted(values), edges);
        const naive = Array.from({ length: edges.length + 1 }, () => 0);
        for (const value of values) naive[edges.filter((edge) => edge <= value).length]! += 1;
        expect(bins).toEqual(naive);
      }),
    );
  });
  it('are made from value counts without a loss', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const { values: distinct, counts: times } = counted(values);
        expect([...distinct].flatMap((value, i) => Array.from({ length: times[i]! }, () => value))).toEqual([
          ...sorted(values),
        ]);
      }),
    );
  });
});

describe('population stability index', () => {
  it('is 0 for equal shares, never negative, and the same both ways', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 9 }), (pairs, times) => {
        const [a, b] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
        expect(
          populationStabilityIndex(
            a,
            a.map((x) => x * times),
          ),
        ).toBeCloseTo(0, 12);
        expect(populationStabilityIndex(a, b)).toBeGreaterThanOrEqual(0);
        expect(populationStabilityIndex(a, b)).toBeCloseTo(populationStabilityIndex(b, a), 12);
      }),
    );
  });
  it('is large and finite for an empty bin', () => {
    expect(populationStabilityIndex([100, 0], [0, 100])).toBeCloseTo(2 * (1 - 1e-4) * Math.log(1e4), 12);
  });
  it('refuses samples without rows, and different bins', () => {
    expect(() => populationStabilityIndex([1, 2], [0, 0])).toThrow('empty sample');
    expect(() => populationStabilityIndex([1, 2], [1])).toThrow('same number of bins, but have 2 and 1');
  });
});

describe('Kolmogorov–Smirnov', () => {
  it('is the largest distance between the two distribution functions, with ties', () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        const share = (values: number[], x: number) => values.filter((value) => value <= x).length / values.length;
        const naive = Math.max(...[...a, ...b].map((x) => Math.abs(share(a, x) - share(b, x))));
        const { statistic, pValue } = kolmogorovSmirnov(counted(a), counted(b));
        expect(statistic).toBeCloseTo(naive, 12);
        expect(pValue).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeLessThanOrEqual(1);
        expect(kolmogorovSmirnov(counted(b), counted(a))).toEqual({ statistic, pValue });
      }),
    );
  });
  it('is 1 for samples that do not overlap, with a p-value near 0', () => {
    expect(kolmogorovSmirnov(counted([1, 2]), counted([3, 4]))).toEqual({ statistic: 1, pValue: 0 });
  });
  it('refuses an empty sample', () => {
    expect(() => kolmogorovSmirnov(counted([]), counted([1]))).toThrow('empty sample');
  });
});

describe('chi-squared', () => {
  it('does not depend on the order of samples or categories, nor on categories absent from both', () => {
    fc.assert(
      fc.property(counts, (pairs) => {
        const test = (table: readonly (readonly [number, number])[]) =>
          chiSquared(
            table.map(([x]) => x),
            table.map(([, y]) => y),
          );
        const { statistic, pValue, degreesOfFreedom } = test(pairs);
        const same = test([...pairs.map(([x, y]) => [y, x] as const), [0, 0] as const].toReversed());
        expect(same.degreesOfFreedom).toBe(degreesOfFreedom);
        expect(same.statistic).toBeCloseTo(statistic, 9);
        expect(same.pValue).toBeCloseTo(pValue, 9);
      }),
    );
  });
  it('has an exponential tail with two degrees of freedom', () => {
    const { statistic, pValue } = chiSquared([10, 20, 30], [30, 20, 10]);
    expect(pValue).toBeCloseTo(Math.exp(-statistic / 2), 14);
  });
  it('finds no difference with one category, and refuses an empty sample', () => {
    expect(chiSquared([5], [9])).toEqual({ statistic: 0, degreesOfFreedom: 0, pValue: 1 });
    expect(() => chiSquared([0], [9])).toThrow('empty sample');
    expect(() => chiSquared([1], [9, 2])).toThrow('same number of categories, but have 1 and 2');
  });
});

it('random integers stay below their bound and reach every number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 1, max: 20 }), (seed, below) => {
      const random = seededRandom(seed);
      const drawn = new Set(Array.from({ length: 600 }, () => random(below)));
      expect([...drawn].toSorted((a, b) => a - b)).toEqual(Array.from({ length: below }, (_, i) => i));
    }),
  );
});
