import { byRow } from '../by-row.ts';
import { clippedLog } from '../sample.ts';
import { weightedMean } from '../weighted-mean.ts';
import type { BinaryMeasure } from './binary-measure.ts';

export const binaryLogLoss: BinaryMeasure = {
  from: 'probabilities',
  of: (truth, probability) =>
    weightedMean(
      byRow(truth.length, (row) => {
        const share = probability[row] ?? 0;
        return -clippedLog(truth[row] === 1 ? share : 1 - share);
      }),
    ),
};
