import type { BinaryMeasure } from './binary-measure.ts';

export const binaryRecall: BinaryMeasure = { from: 'decisions', of: (tp, _fp, _tn, fn) => tp / (tp + fn) };
