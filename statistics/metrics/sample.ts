/** Truth beside a model's answers, ready to be measured whole or over any resample. One entry a row, in the same order. */
export type Sample = RegressionSample | BinarySample | MulticlassSample;

export interface RegressionSample {
  readonly task: 'regression';
  /** Finite numbers. */
  readonly truth: ArrayLike<number>;
  readonly prediction: ArrayLike<number>;
  /** Of the pinball loss; 0.5 when absent. */
  readonly quantile?: number;
}

export interface BinarySample {
  readonly task: 'binary';
  /** 1 where the row is of the positive class, else 0. */
  readonly truth: Uint8Array;
  /** The probability of the positive class; null: the model gives none. */
  readonly probability: Float64Array | null;
  /** 1 where the model says the positive class. */
  readonly decision: Uint8Array;
  readonly positive: string;
  /** What decided; null: the model's own labels. */
  readonly threshold: number | null;
}

export interface MulticlassSample {
  readonly task: 'multiclass';
  readonly classes: readonly string[];
  /** Places in `classes`. */
  readonly truth: Int32Array;
  readonly decision: Int32Array;
  /** One a class, row after row; null: the model gives none. */
  readonly probabilities: Float64Array | null;
}

/** How often each row counts; a resample's draws. */
export type Weights = ArrayLike<number>;

/** A metric over rows that count as often as `weights` says; NaN where it is undefined. */
export type WeightedMetric = (weights: Weights) => number;

/** The least probability that a loss is taken of: scikit-learn's, the spacing of doubles at 1. */
export const smallestProbability = Number.EPSILON;

export function clippedLog(probability: number): number {
  return Math.log(Math.min(1 - smallestProbability, Math.max(smallestProbability, probability)));
}

/** Places of `values`, the greatest first. */
export function descending(values: ArrayLike<number>): Int32Array {
  const order = Int32Array.from({ length: values.length }, (_, row) => row);
  return order.sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
}
