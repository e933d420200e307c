/**
 * How many values fall in each of the `edges.length + 1` bins `(-∞, e0) [e0, e1) … [eLast, ∞)`.
 *
 * @param sorted finite numbers in ascending order.
 * @param edges ascending.
 */
export function binCounts(sorted: ArrayLike<number>, edges: readonly number[]): number[] {
  let below = 0;
  const counts = edges.map((edge) => {
    const from = below;
    while (below < sorted.length && (sorted[below] ?? Number.NaN) < edge) below += 1;
    return below - from;
  });
  return [...counts, sorted.length - below];
}
