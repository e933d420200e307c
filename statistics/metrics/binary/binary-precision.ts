import type { BinaryMeasure } from './binary-measure.ts';

/** 0 for a model that never says the positive class, as scikit-learn's; undefined if there is no such row either. */
export const binaryPrecision: BinaryMeasure = {
  from: 'decisions',
  of(tp, fp, _tn, fn) {
    if (tp + fp > 0) return tp / (tp + fp);
    return tp + fn === 0 ? Number.NaN : 0;
  },
};
