import { shiftInstant } from '../../../contracts/time/shift-instant.ts';
import type { Instant } from '../../../contracts/identifiers.ts';

/**
 * Returns the number of the time block that each row falls into. Blocks have the length `block` in calendar time of
 * `zone` and are counted from `from`. Rows need not be sorted. If any row has no time, every row is a block of its own.
 */
export function blocksOfRows(
  times: readonly (Instant | null)[],
  from: Instant,
  to: Instant,
  block: string,
  zone: string,
): number[] {
  if (times.some((time) => time === null)) return times.map((_, row) => row);
  const known = times.filter((time) => time !== null);
  const [first = from, last = from] = [known.toSorted().at(0), known.toSorted().at(-1)];
  const boundary = (index: number): Instant => shiftInstant(from, block, index, zone);
  // Without a window, `from` is the year 1, so blocks before the first row are skipped instead of enumerated.
  const skipped = lastAtOrBefore(first, boundary);
  const bounds: Instant[] = [];
  for (let at = boundary(skipped); at < to && at <= last; at = boundary(skipped + bounds.length)) bounds.push(at);
  return known.map((time) => skipped + blockAt(bounds, time));
}

/** Returns the greatest index whose boundary is not after `time`, or 0. */
function lastAtOrBefore(time: Instant, boundary: (index: number) => Instant): number {
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
function blockAt(bounds: readonly Instant[], time: Instant): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] ?? '') <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
