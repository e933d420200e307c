import type { DriftMeasure } from '../drift-test.ts';
import { bothValueCounts } from '../drift-test.ts';
import { kolmogorovSmirnov } from '../kolmogorov-smirnov.ts';

/** Kolmogorov–Smirnov test. The effect size is the statistic itself, the largest distance. */
export const ksTest: DriftMeasure = (column) => {
  const { statistic, pValue } = kolmogorovSmirnov(...bothValueCounts(column));
  return { statistic, pValue, effect: statistic };
};
