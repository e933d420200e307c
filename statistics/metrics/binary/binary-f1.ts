import type { BinaryMeasure } from './binary-measure.ts';

export const binaryF1: BinaryMeasure = { from: 'decisions', of: (tp, fp, _tn, fn) => (2 * tp) / (2 * tp + fp + fn) };
