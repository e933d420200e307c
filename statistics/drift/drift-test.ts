import type { Distance } from './critical-value.ts';
import { criticalValue } from './critical-value.ts';
import { poolRare } from './pool-rare.ts';
import type { ValueCounts } from './value-counts.ts';

/** A column of the reference and of the window. */
export interface ComparedColumn {
  /** Counts by bin or category, before rare ones are pooled. */
  readonly before: readonly number[];
  readonly now: readonly number[];
  /** Of numeric columns. */
  readonly values?: { readonly before: ValueCounts; readonly now: ValueCounts };
}

export interface MeasuredDrift {
  readonly statistic: number;
  /** null: the test has none, and the statistic itself is compared with the threshold. */
  readonly pValue: number | null;
  /** Of a test with a p-value: how great the difference is, 0 to 1. */
  readonly effect: number | null;
  /**
   * What chance reaches; only a statistic above it is drift. Every test without a p-value has it. It takes most of the time, so it
   * is computed on request.
   */
  readonly critical?: (seed: number, enough?: number) => number;
}

/** Measures how far both sides of a column are apart. Each file of `tests/` exports one. */
export type DriftMeasure = (column: ComparedColumn) => MeasuredDrift;

/** A test that measures a distance over bins. Rare categories are pooled in each draw anew, as they are in the samples. */
export function overBins(distance: Distance): DriftMeasure {
  const ofPooled: Distance = (before, now) => {
    const { reference, current } = poolRare(before, now);
    return distance(reference, current);
  };
  return ({ before, now, values }) => {
    const measure = values === undefined ? ofPooled : distance;
    return {
      statistic: measure(before, now),
      pValue: null,
      effect: null,
      critical: (seed, enough) => criticalValue(before, now, measure, seed, enough),
    };
  };
}

/** @throws TypeError for a column of categories; the configuration's schema names tests of numbers for numeric columns only. */
export function bothValueCounts({ values }: ComparedColumn): [ValueCounts, ValueCounts] {
  if (values === undefined) throw new TypeError('a test of numbers was asked of categories');
  return [values.before, values.now];
}
