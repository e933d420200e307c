import { clippedLog } from '../sample.ts';
import { weightedMean } from '../weighted-mean.ts';
import type { BinaryMeasure } from './binary-measure.ts';

export const binaryLogLoss: BinaryMeasure = {
  from: 'probabilities',
  of: (truth, probability) =>
    weightedMean(Float64Array.from(probability, (value, row) => -clippedLog(truth[row] === 1 ? value : 1 - value))),
};
