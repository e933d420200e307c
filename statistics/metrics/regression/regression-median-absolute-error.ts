import { byRow } from '../by-row.ts';
import type { BlockMetric, Blocks } from '../block-metric.ts';
import { sumByBlock, weightedSum } from '../block-metric.ts';
import { ascending } from '../row-order.ts';
import type { RegressionMeasure } from './regression-measure.ts';
import { absoluteErrors } from './regression-measure.ts';

/** Median absolute error, in units of the target. */
export const regressionMedianAbsoluteError: RegressionMeasure = {
  whole: (sample) => median(absoluteErrors(sample).sort()),
  resampled: (sample, blocks) => resampledMedian(absoluteErrors(sample), blocks),
};

function median(sorted: Float64Array): number {
  const upper = Math.floor(sorted.length / 2);
  const high = sorted[upper] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[upper - 1] ?? Number.NaN)) / 2;
}

/** Finds the median of a resample in one pass over the errors in ascending order. */
function resampledMedian(errors: Float64Array, blocks: Blocks): BlockMetric {
  const order = ascending(errors);
  const sorted = byRow(order.length, (rank) => errors[order[rank] ?? 0] ?? Number.NaN);
  const blockOf = order.map((row) => blocks.ofRow[row] ?? 0);
  const rows = sumByBlock(blocks, () => 1);
  return (drawn) => {
    const total = weightedSum(rows, drawn);
    const [lower, upper] = [Math.floor((total - 1) / 2), Math.floor(total / 2)];
    let seen = 0;
    let low = Number.NaN;
    for (let rank = 0; rank < sorted.length; rank += 1) {
      const before = seen;
      seen += drawn[blockOf[rank] ?? 0] ?? 0;
      if (before <= lower && lower < seen) low = sorted[rank] ?? Number.NaN;
      if (upper < seen) return (low + (sorted[rank] ?? Number.NaN)) / 2;
    }
    return Number.NaN;
  };
}
