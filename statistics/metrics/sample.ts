/**
 * Truth and predictions of the same rows, with one entry per row in the same order. Metrics are computed over all rows
 * or over a resample.
 */
export type Sample = RegressionSample | BinarySample | MulticlassSample;

export interface RegressionSample {
  readonly task: 'regression';
  /** Finite numbers. */
  readonly truth: ArrayLike<number>;
  readonly prediction: ArrayLike<number>;
  /** Quantile of the pinball loss; 0.5 if absent. */
  readonly quantile?: number;
}

export interface BinarySample {
  readonly task: 'binary';
  /** 1 for a row of the positive class, otherwise 0. */
  readonly truth: Uint8Array;
  /** Probability of the positive class; null if the model gives none. */
  readonly probability: Float64Array | null;
  /** 1 if the model predicts the positive class, otherwise 0. */
  readonly decision: Uint8Array;
  readonly positive: string;
  /** Probability threshold of the decisions; null if they are the model's own labels. */
  readonly threshold: number | null;
}

export interface MulticlassSample {
  readonly task: 'multiclass';
  readonly classes: readonly string[];
  /** Index of the row's class in `classes`, as in `decision`. */
  readonly truth: Int32Array;
  readonly decision: Int32Array;
  /** One probability per class, row after row; null if the model gives none. */
  readonly probabilities: Float64Array | null;
}

/** Weight of each row, e.g. how often a resample draws it. */
export type Weights = ArrayLike<number>;

/** Computes a metric with the given row weights; NaN where it is undefined. */
export type WeightedMetric = (weights: Weights) => number;

/** Smallest probability in a log loss: machine epsilon, as in scikit-learn. */
export const smallestProbability = Number.EPSILON;

export function clippedLog(probability: number): number {
  return Math.log(Math.min(1 - smallestProbability, Math.max(smallestProbability, probability)));
}

/** Returns the indexes of `values`, from the greatest value to the smallest. */
export function descending(values: ArrayLike<number>): Int32Array {
  const order = Int32Array.from({ length: values.length }, (_, row) => row);
  return order.sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
}
