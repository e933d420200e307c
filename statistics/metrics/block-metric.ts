import { pinballLoss } from './regression-metrics.ts';
import type { regressionMetrics } from './regression-metrics.ts';

export type RegressionMetric = Exclude<keyof ReturnType<typeof regressionMetrics>, 'task' | 'rows'>;

/** Rows that belong together and are drawn together, e.g. the hours of a day. */
export interface Blocks {
  readonly count: number;
  /** The block of each row, 0 to `count − 1`. */
  readonly ofRow: Int32Array;
}

/** @param ids the block of each row, by any name. */
export function blocksOf(ids: readonly (string | number)[]): Blocks {
  const numbers = new Map<string | number, number>();
  const ofRow = Int32Array.from(ids, (id) => {
    const number = numbers.get(id) ?? numbers.size;
    numbers.set(id, number);
    return number;
  });
  return { count: numbers.size, ofRow };
}

/** The metric of a resample, told how many times each block was drawn; at least one row must have been. */
export type BlockMetric = (drawn: Uint32Array) => number;

/**
 * `regressionMetrics` over any resample of whole blocks, without touching the rows again: sums by block are enough for all
 * metrics but the median, which walks the errors once in ascending order.
 *
 * @param truth one number a row, finite.
 * @param prediction one number a row, finite.
 */
export function blockMetric(
  metric: RegressionMetric,
  truth: ArrayLike<number>,
  prediction: ArrayLike<number>,
  blocks: Blocks,
  quantile = 0.5,
): BlockMetric {
  const rows = sumByBlock(blocks, () => 1);
  const error = (row: number): number => Math.abs((truth[row] ?? Number.NaN) - (prediction[row] ?? Number.NaN));
  const squares = (): Float64Array => sumByBlock(blocks, (row) => error(row) ** 2);
  switch (metric) {
    case 'rmse': {
      const sums = squares();
      return (drawn) => Math.sqrt(weighted(sums, drawn) / weighted(rows, drawn));
    }
    case 'mae': {
      const sums = sumByBlock(blocks, error);
      return (drawn) => weighted(sums, drawn) / weighted(rows, drawn);
    }
    case 'mape': {
      const sums = sumByBlock(
        blocks,
        (row) => error(row) / Math.max(Number.EPSILON, Math.abs(truth[row] ?? Number.NaN)),
      );
      return (drawn) => weighted(sums, drawn) / weighted(rows, drawn);
    }
    case 'pinball': {
      const sums = sumByBlock(blocks, (row) =>
        pinballLoss(truth[row] ?? Number.NaN, prediction[row] ?? Number.NaN, quantile),
      );
      return (drawn) => weighted(sums, drawn) / weighted(rows, drawn);
    }
    case 'r2':
      return determination(truth, blocks, rows, squares());
    case 'medianAbsoluteError':
      return medianError(
        Float64Array.from(blocks.ofRow, (_, row) => error(row)),
        blocks,
      );
  }
}

function sumByBlock(blocks: Blocks, of: (row: number) => number): Float64Array {
  const sums = new Float64Array(blocks.count);
  blocks.ofRow.forEach((block, row) => {
    sums[block] = (sums[block] ?? 0) + of(row);
  });
  return sums;
}

function weighted(sums: Float64Array, drawn: Uint32Array): number {
  let total = 0;
  for (let block = 0; block < sums.length; block += 1) total += (sums[block] ?? 0) * (drawn[block] ?? 0);
  return total;
}

function determination(
  truth: ArrayLike<number>,
  blocks: Blocks,
  rows: Float64Array,
  squares: Float64Array,
): BlockMetric {
  // Distances from the mean of all rows: far from 0 the sums of squares would cancel.
  const centre = Array.from(truth).reduce((sum, value) => sum + value, 0) / truth.length;
  const distances = sumByBlock(blocks, (row) => (truth[row] ?? Number.NaN) - centre);
  const distanceSquares = sumByBlock(blocks, (row) => ((truth[row] ?? Number.NaN) - centre) ** 2);
  return (drawn) => {
    const residual = weighted(squares, drawn);
    const total = weighted(distanceSquares, drawn) - weighted(distances, drawn) ** 2 / weighted(rows, drawn);
    if (total <= 0) return residual === 0 ? 1 : 0;
    return 1 - residual / total;
  };
}

function medianError(errors: Float64Array, blocks: Blocks): BlockMetric {
  const order = Array.from(errors.keys()).toSorted((a, b) => (errors[a] ?? 0) - (errors[b] ?? 0));
  const sorted = Float64Array.from(order, (row) => errors[row] ?? Number.NaN);
  const blockOf = Int32Array.from(order, (row) => blocks.ofRow[row] ?? 0);
  const rows = sumByBlock(blocks, () => 1);
  return (drawn) => {
    const total = weighted(rows, drawn);
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
