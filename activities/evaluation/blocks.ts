import { shiftInstant } from '../../contracts/duration.ts';
import type { Instant } from '../../contracts/identifiers.ts';

/**
 * The block of each row: whole calendar durations of `zone`, counted from `from`. Rows need not be sorted.
 * Without times every row is a block of its own.
 */
export function blocksOf(
  times: readonly (Instant | null)[],
  from: Instant,
  to: Instant,
  block: string,
  zone: string,
): number[] {
  if (times.some((time) => time === null)) return times.map((_, row) => row);
  const known = times.filter((time) => time !== null);
  const bounds = boundaries(from, to, block, zone);
  return known.map((time) => blockAt(bounds, time));
}

function boundaries(from: Instant, to: Instant, block: string, zone: string): Instant[] {
  const bounds: Instant[] = [];
  for (let at = from; at < to; at = shiftInstant(from, block, bounds.length, zone)) bounds.push(at);
  return bounds;
}

/** Index of the last boundary at or before `time`. */
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
