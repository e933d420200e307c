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
    whole({ truth, prediction, quantile = 0.5 }) {
      let sum = 0;
      for (let row = 0; row < truth.length; row += 1)
        sum += loss(truth[row] ?? Number.NaN, prediction[row] ?? Number.NaN, quantile);
      return sum / truth.length;
    },
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
