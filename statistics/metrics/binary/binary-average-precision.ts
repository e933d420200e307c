import { averagePrecision } from '../ranking-metrics.ts';
import type { BinaryMeasure } from './binary-measure.ts';

export const binaryAveragePrecision: BinaryMeasure = {
  from: 'probabilities',
  of: (truth, probability) => averagePrecision(probability, (row) => truth[row] === 1),
};
