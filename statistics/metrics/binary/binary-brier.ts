import { byRow } from '../by-row.ts';
import { weightedMean } from '../weighted-mean.ts';
import type { BinaryMeasure } from './binary-measure.ts';

/** Brier score: the mean squared difference between probability and truth. */
export const binaryBrier: BinaryMeasure = {
  from: 'probabilities',
  of: (truth, probability) =>
    weightedMean(byRow(truth.length, (row) => ((probability[row] ?? 0) - (truth[row] ?? 0)) ** 2)),
};
