/** Distinct values in ascending order, and how often each occurs. */
export interface ValueCounts {
  readonly values: ArrayLike<number>;
  readonly counts: ArrayLike<number>;
}

/**
 * Counts how often each number occurs.
 *
 * @param sorted finite numbers in ascending order.
 */
export function valueCounts(sorted: ArrayLike<number>): {
  readonly values: Float64Array;
  readonly counts: Float64Array;
} {
  let distinct = 0;
  for (let at = 0; at < sorted.length; at += 1) if (at === 0 || sorted[at] !== sorted[at - 1]) distinct += 1;
  const values = new Float64Array(distinct);
  const counts = new Float64Array(distinct);
  let place = -1;
  for (let at = 0; at < sorted.length; at += 1) {
    const value = sorted[at] ?? Number.NaN;
    if (at === 0 || value !== sorted[at - 1]) values[(place += 1)] = value;
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return { values, counts };
}

/** Returns the number of rows of a sample. */
export function rowsCounted({ counts }: ValueCounts): number {
  let rows = 0;
  for (let at = 0; at < counts.length; at += 1) rows += counts[at] ?? 0;
  return rows;
}
