import type { BinaryMeasure } from './binary-measure.ts';

/**
 * Precision. It is 0 for a model that never predicts the positive class, as in scikit-learn, and undefined if no row is
 * of that class either.
 */
export const binaryPrecision: BinaryMeasure = {
  from: 'decisions',
  of(tp, fp, _tn, fn) {
    if (tp + fp > 0) return tp / (tp + fp);
    return tp + fn === 0 ? Number.NaN : 0;
  },
};
