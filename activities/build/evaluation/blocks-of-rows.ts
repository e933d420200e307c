import { shiftInstant } from '../../../contracts/time/shift-instant.ts';
import type { Instant } from '../../../contracts/identifiers.ts';

/**
 * Returns the number of the time block that each row falls into. Blocks have the length `block` in calendar time of
 * `zone` and are counted from `from`. Rows need not be sorted. If any row has no time, every row is a block of its own.
 *
 * @param timesMs in milliseconds since 1970 in UTC; NaN for a row without a time.
 */
export function blocksOfRows(
  timesMs: Float64Array,
  from: Instant,
  to: Instant,
  block: string,
  zone: string,
): Int32Array {
  if (timesMs.length === 0 || timesMs.some(Number.isNaN)) return Int32Array.from(timesMs, (_, row) => row);
  const last = timesMs.reduce((a, b) => Math.max(a, b));
  const first = timesMs.reduce((a, b) => Math.min(a, b));
  const boundary = (index: number): number => Date.parse(shiftInstant(from, block, index, zone));
  // Without a window, `from` is the year 1, so blocks before the first row are skipped instead of enumerated.
  const skipped = lastAtOrBefore(first, boundary);
  const bounds: number[] = [];
  const end = Date.parse(to);
  for (let at = boundary(skipped); at < end && at <= last; at = boundary(skipped + bounds.length)) bounds.push(at);
  return Int32Array.from(timesMs, (time) => skipped + blockAt(bounds, time));
}

/** Returns the greatest index whose boundary is not after `time`, or 0. */
function lastAtOrBefore(time: number, boundary: (index: number) => number): number {
  let high = 1;
  while (boundary(high) <= time) high *= 2;
  let low = high >> 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (boundary(middle) <= time) low = middle;
    else high = middle;
  }
  return low;
}

/** Returns the index of the last boundary at or before `time`. */
function blockAt(bounds: readonly number[], time: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
