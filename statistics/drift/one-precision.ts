import { roundedTo } from './adjacent-numbers.ts';

/**
 * Returns a function that maps a number to the bin edge that it equals after rounding to 32 bits: a client that computes
 * in 32 bits sends 0.1 as 0.10000000149. Other numbers stay as they are.
 */
export function asPrecise(edges: readonly number[]): (value: number) => number {
  const inexact = edges.filter((edge) => !Number.isInteger(edge));
  const rounded = new Map(inexact.map((edge) => [Math.fround(edge), edge]));
  if (rounded.size === 0) return (value) => value;
  const exact = new Set(edges);
  return (value) => {
    const edge = rounded.get(Math.fround(value));
    // One of the two must be the other rounded to 32 bits.
    return edge !== undefined && !exact.has(value) && (Math.fround(edge) === value || Math.fround(value) === edge)
      ? edge
      : value;
  };
}

/** Applies `asPrecise` to ascending numbers, in place. Only numbers near an edge can change. */
export function makePrecise(sorted: Float64Array, edges: readonly number[]): void {
  const precise = asPrecise(edges);
  for (const edge of edges) {
    const rounded = Math.fround(edge);
    if (Number.isInteger(edge) || !Number.isFinite(rounded)) continue;
    const [least, greatest] = roundedTo(rounded);
    const near = sorted.subarray(firstNotBelow(sorted, least), firstAbove(sorted, greatest));
    near.set(near.map(precise).sort());
  }
}

/** Returns the place of the first of ascending numbers that is at least `value`. */
export function firstNotBelow(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Returns the place of the first of ascending numbers that is greater than `value`. */
export function firstAbove(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
