import type { Distance } from './critical-value.ts';
import { criticalValue } from './critical-value.ts';
import { poolRare } from './pool-rare.ts';
import type { ValueCounts } from './value-counts.ts';

/** A column in the reference (`before`) and in the window (`now`). */
export interface ComparedColumn {
  /** Counts by bin or category, before rare categories are pooled. */
  readonly before: readonly number[];
  readonly now: readonly number[];
  /** Whether the bins are those of numbers. Rare categories are pooled, and rare bins of numbers are not. */
  readonly isNumeric: boolean;
  /** Distinct values of a numeric column and their counts, for tests of values. */
  readonly values?: { readonly before: ValueCounts; readonly now: ValueCounts };
}

export interface MeasuredDrift {
  readonly statistic: number;
  /** null if the test has no p-value. The statistic itself is then compared with the threshold. */
  readonly pValue: number | null;
  /** Effect size of a test with a p-value, from 0 to 1; null for other tests. */
  readonly effect: number | null;
  /**
   * Returns the critical value, which chance alone can reach; only a statistic above it is drift. Every test without a
   * p-value has one. It takes most of the test's time, so it is computed on request.
   */
  readonly critical?: (seed: number, enough?: number) => number;
}

/** Measures the difference between both sides of a column. Each file of `tests/` exports one such function. */
export type DriftMeasure = (column: ComparedColumn) => MeasuredDrift;

/**
 * Returns a test that measures a distance between counts. Rare categories are pooled anew in each random draw, as they
 * are in the samples.
 */
export function overBins(distance: Distance): DriftMeasure {
  const ofPooled: Distance = (before, now) => {
    const { reference, current } = poolRare(before, now);
    return distance(reference, current);
  };
  return ({ before, now, isNumeric }) => {
    const measure = isNumeric ? distance : ofPooled;
    return {
      statistic: measure(before, now),
      pValue: null,
      effect: null,
      critical: (seed, enough) => criticalValue(before, now, measure, seed, enough),
    };
  };
}

/**
 * Returns the value counts of both sides of a numeric column.
 *
 * @throws TypeError if the values are absent. The configuration's schema accepts tests of values for numeric columns
 * only.
 */
export function bothValueCounts({ values }: ComparedColumn): [ValueCounts, ValueCounts] {
  if (values === undefined) throw new TypeError('a test of values cannot be applied to counts of bins or categories');
  return [values.before, values.now];
}
