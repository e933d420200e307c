import type { BlockMetric, Blocks } from '../block-metric.ts';
import { sumByBlock, weightedSum } from '../block-metric.ts';
import type { RegressionSample } from '../sample.ts';
import type { RegressionMeasure } from './regression-measure.ts';
import { absoluteErrors } from './regression-measure.ts';

/** Coefficient of determination. If the truth does not vary, it is 1 for a perfect prediction and otherwise 0. */
export const regressionR2: RegressionMeasure = {
  whole(sample) {
    const squared = absoluteErrors(sample).reduce((sum, error) => sum + error * error, 0);
    return determination(squared, spread(sample.truth));
  },
  resampled: resampledDetermination,
};

function determination(residual: number, total: number): number {
  if (total === 0) return residual === 0 ? 1 : 0;
  // The ratio overflows if the errors are large and the spread is tiny.
  return Math.max(-Number.MAX_VALUE, 1 - residual / total);
}

/** Returns the sum of squared distances from the mean. */
function spread(values: ArrayLike<number>): number {
  let sum = 0;
  for (let row = 0; row < values.length; row += 1) sum += values[row] ?? Number.NaN;
  const mean = sum / values.length;
  let squares = 0;
  for (let row = 0; row < values.length; row += 1) squares += ((values[row] ?? Number.NaN) - mean) ** 2;
  return squares;
}

function resampledDetermination(sample: RegressionSample, blocks: Blocks): BlockMetric {
  const { truth } = sample;
  const errors = absoluteErrors(sample);
  const rows = sumByBlock(blocks, () => 1);
  const squares = sumByBlock(blocks, (row) => (errors[row] ?? Number.NaN) ** 2);
  // Distances are taken from the mean of all rows: the sums of squares of values far from 0 would lose precision by
  // cancellation.
  const centre = new Float64Array(truth).reduce((sum, value) => sum + value, 0) / truth.length;
  const distances = sumByBlock(blocks, (row) => (truth[row] ?? Number.NaN) - centre);
  const distanceSquares = sumByBlock(blocks, (row) => ((truth[row] ?? Number.NaN) - centre) ** 2);
  return (drawn) => {
    const residual = weightedSum(squares, drawn);
    const total = weightedSum(distanceSquares, drawn) - weightedSum(distances, drawn) ** 2 / weightedSum(rows, drawn);
    if (total <= 0) return residual === 0 ? 1 : 0;
    return 1 - residual / total;
  };
}
