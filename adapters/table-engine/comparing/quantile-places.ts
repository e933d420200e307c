import type { Cell } from '../../../contracts/data/data-types.ts';

type ValueAt = (place: number) => Cell | undefined;

/** Places, from 0 in ascending order, of the values that quantiles of this many values are made of. */
export function placesOf(shares: readonly number[], count: number, isInterpolated: boolean): readonly number[] {
  if (count === 0) return [];
  return shares.flatMap((share) => {
    if (!isInterpolated) return [nearestPlace(share, count)];
    const place = share * (count - 1);
    return [Math.floor(place), Math.ceil(place)];
  });
}

/** A quantile interpolated linearly between the two nearest values (Hyndman and Fan's seventh); none without values. */
export function interpolatedAt(share: number, count: number, at: ValueAt): number[] {
  const place = share * (count - 1);
  const [low, high] = [at(Math.floor(place)), at(Math.ceil(place))];
  if (typeof low !== 'number' || typeof high !== 'number') return [];
  const part = place - Math.floor(place);
  // The distance of two finite values may be more than a number holds.
  return [Number.isFinite(high - low) ? low + (high - low) * part : low * (1 - part) + high * part];
}

/** A quantile that is a value: the smallest with at least that share of the values at or below it; none without values. */
export function valueAt(share: number, count: number, at: ValueAt): (string | number)[] {
  const value = at(nearestPlace(share, count));
  return typeof value === 'string' || typeof value === 'number' ? [value] : [];
}

function nearestPlace(share: number, count: number): number {
  return Math.max(0, Math.ceil(share * count) - 1);
}
