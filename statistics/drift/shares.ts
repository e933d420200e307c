/**
 * Returns the share of each count in the sum of its sample.
 *
 * @throws RangeError if the samples have different numbers of bins, or one is empty.
 */
export function sharesOf(
  reference: readonly number[],
  current: readonly number[],
): readonly { readonly before: number; readonly now: number }[] {
  if (reference.length !== current.length)
    throw new RangeError(
      `the samples must have the same number of bins, but have ${reference.length} and ${current.length}`,
    );
  const [n1, n2] = [total(reference), total(current)];
  if (n1 === 0 || n2 === 0) throw new RangeError('an empty sample has no shares');
  return reference.map((count, bin) => ({ before: count / n1, now: (current[bin] ?? 0) / n2 }));
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
