import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { doubleAbove, doubleBelow, roundedTo } from '../../statistics/drift/adjacent-numbers.ts';
import { binnedCounts } from '../../statistics/drift/bin-counts.ts';
import { condensedValues } from '../../statistics/drift/condensed-values.ts';
import { countOutside, countsOfBins, fineBounds } from '../../statistics/drift/fine-bins.ts';
import { kolmogorovSmirnov } from '../../statistics/drift/kolmogorov-smirnov.ts';
import { asPrecise, makePrecise } from '../../statistics/drift/one-precision.ts';
import { tieEdges } from '../../statistics/drift/tie-edges.ts';
import { valueCounts } from '../../statistics/drift/value-counts.ts';

const ascending = (values: Iterable<number>): Float64Array => Float64Array.from(values).sort();

/** Counts as the table engine does: a bound belongs to the numbers below it. */
function countedBetween(values: Iterable<number>, bounds: readonly number[]): number[] {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0);
  for (const value of values) {
    const at = bounds.findIndex((bound) => value <= bound);
    counts[at === -1 ? bounds.length : at]! += 1;
  }
  return counts;
}

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, 0.1, 0.25, 0.5, -0.3, 1 / 3, 3, 1e300, -1e300, 1e-310, Number.MAX_VALUE, -Number.MAX_VALUE),
  fc.integer({ min: -3, max: 3 }),
);

test('counts between fine bounds give the counts of the bins, for values of 64 and of 32 bits', () => {
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 40 }), fc.array(number), (reference, others) => {
      const sample = valueCounts(ascending(reference));
      const edges = tieEdges(sample);
      const ends = [sample.values[0]!, sample.values.at(-1)!] as const;
      const near = [...edges, ...others].flatMap((value) => {
        const rounded = Math.fround(value);
        const least = Number.isFinite(rounded) ? roundedTo(rounded) : [];
        return [value, doubleAbove(value), doubleBelow(value), rounded, ...least, ...least.map(doubleBelow)];
      });
      const served = near.filter(Number.isFinite);
      const bounds = fineBounds(edges, ends);
      const counts = countedBetween(served, bounds);
      const precise = valueCounts(ascending(served.map(asPrecise(edges))));
      expect(countsOfBins(counts, bounds, edges)).toEqual(binnedCounts(precise, edges));
      const sorted = ascending(served);
      makePrecise(sorted, edges);
      expect(valueCounts(sorted)).toEqual(precise);
      const outside = served.filter((value) => value < ends[0] || value > ends[1]).length;
      expect(countOutside(counts, bounds, ends)).toBe(outside);
    }),
    { numRuns: 500 },
  );
});

test('condensed values keep the rows and both ends, and change the Kolmogorov-Smirnov statistic by less than a group', () => {
  const spread = valueCounts(ascending(Array.from({ length: 30_000 }, (_, at) => Math.sin(at) ** 3 * 50 + (at % 7))));
  const other = valueCounts(ascending(Array.from({ length: 20_000 }, (_, at) => Math.cos(at) * 40 + 2)));
  const condensed = condensedValues(spread, 1_000);
  expect(condensed.values.length).toBeLessThan(2_200);
  expect([condensed.values[0], condensed.values[condensed.values.length - 1]]).toEqual([
    spread.values[0],
    spread.values.at(-1),
  ]);
  expect(Array.from(condensed.counts).reduce((sum, count) => sum + count, 0)).toBe(30_000);
  const difference = kolmogorovSmirnov(condensed, other).statistic - kolmogorovSmirnov(spread, other).statistic;
  expect(Math.abs(difference)).toBeLessThan(1 / 1_000);
  expect(condensedValues(spread, 30_000)).toBe(spread);
});
