import { criticalWasserstein } from '../critical-wasserstein.ts';
import type { DriftMeasure } from '../drift-test.ts';
import { bothValueCounts } from '../drift-test.ts';
import { normedWasserstein } from '../wasserstein.ts';

export const wassersteinTest: DriftMeasure = (column) => {
  const [before, now] = bothValueCounts(column);
  return {
    statistic: normedWasserstein(before, now),
    pValue: null,
    effect: null,
    critical: (seed, enough) => criticalWasserstein(before, now, seed, enough),
  };
};
