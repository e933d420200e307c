/** Distinct values in ascending order, and how often each occurs. */
export interface ValueCounts {
  readonly values: readonly number[];
  readonly counts: readonly number[];
}

/**
 * Counts how often each number occurs.
 *
 * @param sorted finite numbers in ascending order.
 */
export function valueCounts(sorted: ArrayLike<number>): ValueCounts {
  const values: number[] = [];
  const counts: number[] = [];
  for (let i = 0; i < sorted.length; i += 1) {
    const value = sorted[i] ?? Number.NaN;
    const last = values.length - 1;
    if (last >= 0 && values[last] === value) counts[last] = (counts[last] ?? 0) + 1;
    else {
      values.push(value);
      counts.push(1);
    }
  }
  return { values, counts };
}
