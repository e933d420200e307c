/**
 * Returns the `q`-quantile by linear interpolation between order statistics: NumPy's `quantile(…, method="linear")`,
 * definition 7 of Hyndman and Fan, "Sample quantiles in statistical packages" (1996). Rounds as NumPy does, so that a
 * quantile that falls on a value equals it.
 *
 * @param sorted at least one finite number, ascending.
 * @param q between 0 and 1.
 * @throws RangeError if there is no value.
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) throw new RangeError('an empty sample has no quantiles');
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const fraction = position - below;
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN;
  const step = high - low;
  // The difference of two extreme values of opposite sign overflows.
  if (!Number.isFinite(step)) return low * (1 - fraction) + high * fraction;
  return fraction >= 0.5 ? high - step * (1 - fraction) : low + step * fraction;
}
