import { chiSquared, fewestExpected } from '../chi-squared.ts';
import { cramersV } from '../cramers-v.ts';
import type { Distance } from '../critical-value.ts';
import { criticalValue } from '../critical-value.ts';
import type { DriftMeasure } from '../drift-test.ts';
import { commonIn, expectedAtLeast, poolRare } from '../pool-rare.ts';

/** Chi-squared test. The effect size is Cramér's V. */
export const chi2Test: DriftMeasure = ({ before, now }) => {
  const { reference, current } = poolRare(before, now);
  const { statistic, pValue } = chiSquared(reference, current);
  const rows = [...before, ...now].reduce((sum, count) => sum + count, 0);
  const measured = { statistic, pValue, effect: cramersV(statistic, rows) };
  // The p-value alone is too small, in up to 9 of 200 windows, if a bin has a small expected count or if the counts
  // themselves determined which categories are pooled. In these cases the critical value must be exceeded as well.
  if (commonIn(before, now) === null && fewestExpected(reference, current) >= expectedAtLeast) return measured;
  return { ...measured, critical: (seed, enough) => criticalValue(before, now, pooledChiSquared, seed, enough) };
};

const pooledChiSquared: Distance = (before, now) => {
  const { reference, current } = poolRare(before, now);
  return chiSquared(reference, current).statistic;
};
