import { byRow } from '../by-row.ts';
import type { BlockMetric, Blocks } from '../block-metric.ts';
import { sumByBlock, weightedSum } from '../block-metric.ts';
import type { RegressionSample } from '../sample.ts';

/** A regression metric. Each other file of this folder exports one. */
export interface RegressionMeasure {
  /** Computes the metric over all rows. */
  whole(sample: RegressionSample): number;
  /**
   * Returns a function that computes the metric on a resample of whole blocks. It uses sums by block instead of single
   * rows where possible.
   */
  resampled(sample: RegressionSample, blocks: Blocks): BlockMetric;
}

/** Loss of one row. */
type Loss = (truth: number, prediction: number, quantile: number) => number;

/** Returns a metric that is the mean of a loss over the rows. */
export function meanOverRows(loss: Loss): RegressionMeasure {
  return {
    whole: (sample) => lossesOf(sample, loss).reduce((sum, value) => sum + value, 0) / sample.truth.length,
    resampled(sample, blocks) {
      const losses = lossesOf(sample, loss);
      const [sums, rows] = [sumByBlock(blocks, (row) => losses[row] ?? Number.NaN), sumByBlock(blocks, () => 1)];
      return (drawn) => weightedSum(sums, drawn) / weightedSum(rows, drawn);
    },
  };
}

export function absoluteErrors(sample: RegressionSample): Float64Array {
  return lossesOf(sample, (truth, prediction) => Math.abs(truth - prediction));
}

/** Returns the loss of each row. If the sample has no quantile, 0.5 (the median) is used. */
function lossesOf({ truth, prediction, quantile = 0.5 }: RegressionSample, loss: Loss): Float64Array {
  return byRow(truth.length, (row) => loss(truth[row] ?? Number.NaN, prediction[row] ?? Number.NaN, quantile));
}
