import type { BinaryMeasure } from './binary-measure.ts';

/** Matthews correlation coefficient. It is 0 for a model that always predicts the same class, as in scikit-learn. */
export const binaryMcc: BinaryMeasure = {
  from: 'decisions',
  of(tp, fp, tn, fn) {
    if (tp + fn === 0 || tn + fp === 0) return Number.NaN;
    if (tp + fp === 0 || tn + fn === 0) return 0;
    return (tp * tn - fp * fn) / Math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn));
  },
};
