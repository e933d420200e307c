import { sharesOf } from './shares.ts';

/**
 * Returns the Jensen–Shannon distance with base 2: the square root of the mean Kullback–Leibler divergence of both
 * distributions from their average. 0 means equal, 1 means nothing in common. Shares are not clipped. As SciPy's
 * `jensenshannon(p, q, base=2)`.
 *
 * Source: Endres and Schindelin, "A new metric for probability distributions" (2003).
 *
 * @param reference counts by bin or category.
 * @param current counts in the same bins.
 * @throws RangeError if the numbers of bins differ or a sample is empty.
 */
export function jensenShannonDistance(reference: readonly number[], current: readonly number[]): number {
  const divergence = sharesOf(reference, current).reduce((sum, { before, now }) => {
    const middle = (before + now) / 2;
    return sum + relativeEntropy(before, middle) + relativeEntropy(now, middle);
  }, 0);
  // Rounding may give a value slightly below 0 if both distributions are equal.
  return Math.sqrt(Math.max(0, divergence / 2 / Math.LN2));
}

function relativeEntropy(share: number, of: number): number {
  return share === 0 ? 0 : share * Math.log(share / of);
}
