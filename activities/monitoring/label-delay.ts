import type { LabelDelay } from '../../contracts/monitoring/report.ts';
import { quantile } from '../../statistics/probability/quantile.ts';

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
const boundsMs = [minute, 10 * minute, hour, 6 * hour, day, 3 * day, 7 * day, 14 * day, 30 * day, 90 * day] as const;

/**
 * Summarises how late the labels arrived; null if none has arrived.
 *
 * @param delays in milliseconds, one for each label.
 */
export function labelDelayOf(delays: Float64Array): LabelDelay | null {
  if (delays.length === 0) return null;
  const sorted = delays.toSorted();
  let below = 0;
  const histogram = [...boundsMs, null].map((withinMs) => {
    let upTo = below;
    while (upTo < sorted.length && (withinMs === null || (sorted[upTo] ?? 0) <= withinMs)) upTo += 1;
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
