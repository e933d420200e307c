import { upperIncompleteGamma } from '../probability/upper-incomplete-gamma.ts';

/**
 * Performs Pearson's chi-squared test of whether two samples have the same shares of k categories, on the 2×k
 * contingency table without continuity correction, as SciPy's `chi2_contingency(…, correction=False)`. Categories that
 * occur in neither sample are left out. With one category left, the samples cannot differ, and p is 1.
 *
 * @param reference counts by category.
 * @param current counts of the same categories.
 * @throws RangeError if the numbers of categories differ or a sample is empty.
 */
export function chiSquared(
  reference: readonly number[],
  current: readonly number[],
): { statistic: number; degreesOfFreedom: number; pValue: number } {
  if (reference.length !== current.length)
    throw new RangeError(
      `the samples must have the same number of categories, but have ${reference.length} and ${current.length}`,
    );
  const [n1, n2] = [total(reference), total(current)];
  if (n1 === 0 || n2 === 0) throw new RangeError('an empty sample has no shares');
  let statistic = 0;
  let categories = 0;
  for (const [category, before] of reference.entries()) {
    const now = current[category] ?? 0;
    if (before + now === 0) continue;
    categories += 1;
    const [expected1, expected2] = [((before + now) * n1) / (n1 + n2), ((before + now) * n2) / (n1 + n2)];
    statistic += (before - expected1) ** 2 / expected1 + (now - expected2) ** 2 / expected2;
  }
  const degreesOfFreedom = categories - 1;
  return {
    statistic,
    degreesOfFreedom,
    pValue: degreesOfFreedom === 0 ? 1 : upperIncompleteGamma(degreesOfFreedom / 2, statistic / 2),
  };
}

/**
 * Returns the smallest expected count of a category in a sample if both samples had the same shares. Below 5, the
 * p-value is inaccurate.
 */
export function fewestExpected(reference: readonly number[], current: readonly number[]): number {
  const [n1, n2] = [total(reference), total(current)];
  const fewest = reference.reduce((least, before, category) => {
    const both = before + (current[category] ?? 0);
    return both === 0 ? least : Math.min(least, both);
  }, Infinity);
  return (fewest * Math.min(n1, n2)) / (n1 + n2);
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
