import type { LabelDelay } from '../../contracts/monitoring/report.ts';
import { quantile } from '../../statistics/probability/quantile.ts';

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
const boundsMs = [minute, 10 * minute, hour, 6 * hour, day, 3 * day, 7 * day, 14 * day, 30 * day, 90 * day] as const;

/** Summarises how late the labels arrived; null if none has arrived. */
export function labelDelayOf(delays: readonly (number | null)[]): LabelDelay | null {
  const sorted = Float64Array.from(delays.filter((delay) => delay !== null)).sort();
  if (sorted.length === 0) return null;
  let below = 0;
  const histogram = [...boundsMs, null].map((withinMs) => {
    const upTo = withinMs === null ? sorted.length : sorted.filter((delay) => delay <= withinMs).length;
    const rows = upTo - below;
    below = upTo;
    return { withinMs, rows };
  });
  return {
    rows: sorted.length,
    p50Ms: quantile(sorted, 0.5),
    p90Ms: quantile(sorted, 0.9),
    maxMs: sorted.at(-1) ?? 0,
    histogram,
  };
}
