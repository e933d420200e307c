import type { WeightedMetric } from '../sample.ts';

/** Rows by truth and decision. */
export type Confusion = readonly [
  truePositives: number,
  falsePositives: number,
  trueNegatives: number,
  falseNegatives: number,
];

/** A metric of a classifier of two classes, NaN where it is undefined. Each other file of this folder exports one. */
export type BinaryMeasure =
  /** Of a model that gives probabilities. `truth` is 1 where a row is of the positive class. */
  | { readonly from: 'probabilities'; of(truth: Uint8Array, probability: Float64Array): WeightedMetric }
  | { readonly from: 'decisions'; of(...counts: Confusion): number };
