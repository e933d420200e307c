import { sharesOf } from './shares.ts';

/**
 * Jensen–Shannon distance, base 2: the square root of the mean Kullback–Leibler divergence of both shares from their
 * average. 0 is the same, 1 is nothing in common. Shares are not clipped. As SciPy's `jensenshannon(p, q, base=2)`.
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
  // Rounding may leave a hair below 0 where both are the same.
  return Math.sqrt(Math.max(0, divergence / 2 / Math.LN2));
}

function relativeEntropy(share: number, of: number): number {
  return share === 0 ? 0 : share * Math.log(share / of);
}
