/**
 * Returns the known key with the fewest edits from `given`. Differences in letter case count least; of equally near
 * keys, the first is returned.
 */
export function nearestKey(given: string, known: readonly string[]): string | undefined {
  let nearest: { readonly key: string; readonly distance: number } | undefined;
  // Characters beyond this length would add the same number of edits for every key.
  const compared = given.slice(0, longest).toLowerCase();
  for (const key of known) {
    const distance = editDistance(compared, key.toLowerCase()) + (key === given ? 0 : 0.5);
    if (nearest === undefined || distance < nearest.distance) nearest = { key, distance };
  }
  return nearest?.key;
}

const longest = 100;

/**
 * Returns the number of insertions, deletions, replacements and swaps of adjacent characters (optimal string alignment
 * distance).
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        (last[column] ?? Infinity) + 1,
        (current[column - 1] ?? Infinity) + 1,
        (last[column - 1] ?? Infinity) + (same ? 0 : 1),
        swapped ? (beforeLast[column - 2] ?? Infinity) + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}
