import { weightedMean } from '../weighted-mean.ts';
import type { BinaryMeasure } from './binary-measure.ts';

/** Brier score: the mean squared difference between probability and truth. */
export const binaryBrier: BinaryMeasure = {
  from: 'probabilities',
  of: (truth, probability) =>
    weightedMean(Float64Array.from(probability, (value, row) => (value - (truth[row] ?? 0)) ** 2)),
};
