import { doubleAbove, doubleBelow, roundedTo } from './adjacent-numbers.ts';
import { isPastEdge } from './bin-counts.ts';
import { asPrecise } from './one-precision.ts';

/**
 * Returns ascending bounds that divide the numbers so finely that all numbers between two neighbouring bounds fall into
 * the same bin (see `binnedCounts`), also after `asPrecise`. A bound belongs to the numbers below it. Counts between
 * these bounds can therefore be added over several sets of rows, and become counts of the bins by `countsOfBins`.
 *
 * @param edges of the bins, ascending.
 * @param ends further numbers that get bounds on both sides, such as the least and the greatest of the reference.
 */
export function fineBounds(edges: readonly number[], ends: readonly number[]): number[] {
  const bounds = new Set<number>();
  const isolate = (least: number, greatest: number): void => {
    bounds.add(doubleBelow(least));
    bounds.add(greatest);
  };
  for (const number of [...edges, ...ends]) isolate(number, number);
  for (const edge of edges) {
    const rounded = Math.fround(edge);
    if (Number.isInteger(edge) || !Number.isFinite(rounded)) continue;
    isolate(rounded, rounded);
    if (rounded === edge) isolate(...roundedTo(edge));
  }
  return [...bounds].filter(Number.isFinite).toSorted((a, b) => a - b);
}

/**
 * Adds up the counts between fine bounds to the counts of the bins.
 *
 * @param counts one more than the bounds: the first counts the numbers up to the first bound, the last those above all
 *   bounds.
 * @param edges those from which the bounds were derived.
 */
export function countsOfBins(counts: readonly number[], bounds: readonly number[], edges: readonly number[]): number[] {
  const precise = asPrecise(edges);
  const bins = Array.from({ length: edges.length + 1 }, () => 0);
  for (const [at, count] of counts.entries()) {
    if (count === 0) continue;
    const bin = binOf(precise(bounds[at] ?? aboveAll(bounds)), edges);
    bins[bin] = (bins[bin] ?? 0) + count;
  }
  return bins;
}

/** Returns how many numbers are below `least` or above `greatest`, which must have been among the ends. */
export function countOutside(
  counts: readonly number[],
  bounds: readonly number[],
  [least, greatest]: readonly [number, number],
): number {
  return counts.reduce((sum, count, at) => {
    const value = bounds[at] ?? aboveAll(bounds);
    return value < least || value > greatest ? sum + count : sum;
  }, 0);
}

function aboveAll(bounds: readonly number[]): number {
  const last = bounds.at(-1);
  return last === undefined || last >= Number.MAX_VALUE ? Number.MAX_VALUE : doubleAbove(last);
}

function binOf(value: number, edges: readonly number[]): number {
  let bin = 0;
  while (bin < edges.length && isPastEdge(value, edges, bin)) bin += 1;
  return bin;
}
