import { quantile } from '../probability/quantile.ts';

const tenths = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] as const;

/**
 * Returns the nine inner deciles without duplicates. They are the edges of at most ten bins with open ends (see
 * `binCounts`). A sample without values has no edges, and so one bin.
 *
 * @param sorted finite numbers in ascending order.
 */
export function decileEdges(sorted: ArrayLike<number>): number[] {
  if (sorted.length === 0) return [];
  return [...new Set(tenths.map((tenth) => quantile(sorted, tenth)))];
}
