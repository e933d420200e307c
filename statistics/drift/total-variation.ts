import { sharesOf } from './shares.ts';

/**
 * Returns the total variation distance: half the sum of the absolute differences of the shares. It is the greatest
 * difference in probability that any set of bins can have. 0 means equal, 1 means nothing in common.
 *
 * @param reference counts by bin or category.
 * @param current counts in the same bins.
 * @throws RangeError if the numbers of bins differ or a sample is empty.
 */
export function totalVariation(reference: readonly number[], current: readonly number[]): number {
  return sharesOf(reference, current).reduce((sum, { before, now }) => sum + Math.abs(before - now), 0) / 2;
}
