import { areaUnderCurve } from '../ranking-metrics.ts';
import type { BinaryMeasure } from './binary-measure.ts';

export const binaryRocAuc: BinaryMeasure = {
  from: 'probabilities',
  of: (truth, probability) => areaUnderCurve(probability, (row) => truth[row] === 1),
};
