import type { ValueCounts } from './value-counts.ts';
import { valueCounts } from './value-counts.ts';

/**
 * Counts the values in each of the `edges.length + 1` bins `(-∞, e0) [e0, e1) … [eLast, ∞)`. An edge that occurs twice
 * encloses the bin of that one value; the next bin begins above the value.
 *
 * @param edges in ascending order.
 */
export function binnedCounts({ values, counts }: ValueCounts, edges: readonly number[]): number[] {
  const bins = Array.from({ length: edges.length + 1 }, () => 0);
  let bin = 0;
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at] ?? Number.NaN;
    while (bin < edges.length && isPastEdge(value, edges, bin)) bin += 1;
    bins[bin] = (bins[bin] ?? 0) + (counts[at] ?? 0);
  }
  return bins;
}

/** Whether a value lies in a bin after that of the edge. */
export function isPastEdge(value: number, edges: readonly number[], at: number): boolean {
  const edge = edges[at] ?? Infinity;
  return edge === edges[at - 1] ? value > edge : value >= edge;
}

/**
 * Counts numbers in bins as `binnedCounts` does.
 *
 * @param sorted numbers in ascending order.
 */
export function binCounts(sorted: ArrayLike<number>, edges: readonly number[]): number[] {
  return binnedCounts(valueCounts(sorted), edges);
}
