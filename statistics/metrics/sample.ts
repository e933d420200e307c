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
export interface WeightedMetric {
  (weights: Weights): number;
}

/** A metric that depends on the rows in a certain order. */
export interface RankedMetric extends WeightedMetric {
  /** The rows by rank. */
  readonly order: Int32Array;
  /** Computes the metric with the weights of the rows in this order. */
  ofRanked(weights: Weights): number;
}

/** A metric that is the weighted mean of one number per row. */
export interface MeanMetric extends WeightedMetric {
  readonly values: Float64Array;
}

/** Smallest probability in a log loss: machine epsilon, as in scikit-learn. */
export const smallestProbability = Number.EPSILON;

export function clippedLog(probability: number): number {
  return Math.log(Math.min(1 - smallestProbability, Math.max(smallestProbability, probability)));
}
