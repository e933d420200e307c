import type { WeightedMetric } from '../sample.ts';

/** Numbers of rows by truth and decision. */
export type Confusion = readonly [
  truePositives: number,
  falsePositives: number,
  trueNegatives: number,
  falseNegatives: number,
];

/** A metric of a binary classifier; NaN where it is undefined. Each other file of this folder exports one. */
export type BinaryMeasure =
  /** A metric of the probabilities. `truth` is 1 for a row of the positive class. */
  | { readonly from: 'probabilities'; of(truth: Uint8Array, probability: Float64Array): WeightedMetric }
  | { readonly from: 'decisions'; of(...counts: Confusion): number };
