const looksPerBake = 60;
const baking = { shortestMs: 5_000, longestMs: 300_000 };
const extended = { shortestMs: 250, longestMs: 600_000 };

/**
 * Returns the milliseconds until the next look at a baking step. There are about sixty looks during the bake time, one
 * of them exactly at its end. After the end, each wait is as long as the step is overdue, so the waits double up to
 * `extended.longestMs`, and a month costs a few thousand looks.
 */
export function untilNextLook(bakeMs: number, elapsedMs: number): number {
  const fittingMs = bakeMs / looksPerBake;
  const leftMs = bakeMs - elapsedMs;
  if (leftMs > 0) return Math.min(leftMs, between(baking, fittingMs));
  const shortestMs = between({ ...baking, shortestMs: extended.shortestMs }, fittingMs);
  return between({ ...extended, shortestMs }, -leftMs);
}

function between(bounds: { readonly shortestMs: number; readonly longestMs: number }, milliseconds: number): number {
  return Math.ceil(Math.min(bounds.longestMs, Math.max(bounds.shortestMs, milliseconds)));
}
