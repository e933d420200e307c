import type { BinaryMeasure } from './binary-measure.ts';

export const binaryAccuracy: BinaryMeasure = {
  from: 'decisions',
  of: (tp, fp, tn, fn) => (tp + tn) / (tp + fp + tn + fn),
};
