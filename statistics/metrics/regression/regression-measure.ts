import type { BlockMetric, Blocks } from '../block-metric.ts';
import { sumByBlock, weightedSum } from '../block-metric.ts';
import type { RegressionSample } from '../sample.ts';

/** A metric of regression. Each other file of this folder exports one. */
export interface RegressionMeasure {
  /** Of all rows. */
  whole(sample: RegressionSample): number;
  /** Of any resample of whole blocks, without touching the rows again where sums by block are enough. */
  resampled(sample: RegressionSample, blocks: Blocks): BlockMetric;
}

/** What one row costs. */
type Loss = (truth: number, prediction: number, quantile: number) => number;

/** A metric that is the mean of a loss over the rows. */
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

/** The quantile of a sample that names none is the median. */
function lossesOf({ truth, prediction, quantile = 0.5 }: RegressionSample, loss: Loss): Float64Array {
  return Float64Array.from(truth, (actual, row) => loss(actual, prediction[row] ?? Number.NaN, quantile));
}
