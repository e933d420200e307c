import type { Cell } from '../../../contracts/data/data-types.ts';

type ValueAt = (place: number) => Cell | undefined;

/**
 * Returns the positions (from 0, in ascending order of the values) of the values that determine quantiles of `count`
 * values.
 */
export function placesOf(shares: readonly number[], count: number, isInterpolated: boolean): readonly number[] {
  if (count === 0) return [];
  return shares.flatMap((share) => {
    if (!isInterpolated) return [nearestPlace(share, count)];
    const place = share * (count - 1);
    return [Math.floor(place), Math.ceil(place)];
  });
}

/**
 * Returns a quantile interpolated linearly between the two nearest values (type 7 of Hyndman and Fan), in an array that
 * is empty if there are no values.
 */
export function interpolatedAt(share: number, count: number, at: ValueAt): number[] {
  const place = share * (count - 1);
  const [low, high] = [at(Math.floor(place)), at(Math.ceil(place))];
  if (typeof low !== 'number' || typeof high !== 'number') return [];
  const part = place - Math.floor(place);
  // The difference of two finite values may overflow.
  return [Number.isFinite(high - low) ? low + (high - low) * part : low * (1 - part) + high * part];
}

/**
 * Returns the smallest value such that at least the given share of all values is less than or equal to it, in an array
 * that is empty if there are no values.
 */
export function valueAt(share: number, count: number, at: ValueAt): (string | number)[] {
  const value = at(nearestPlace(share, count));
  return typeof value === 'string' || typeof value === 'number' ? [value] : [];
}

function nearestPlace(share: number, count: number): number {
  return Math.max(0, Math.ceil(share * count) - 1);
}
