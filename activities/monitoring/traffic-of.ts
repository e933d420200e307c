import { latencyQuantileMs } from '../../contracts/models/latency.ts';
import type { Report, Traffic } from '../../contracts/monitoring/report.ts';

/**
 * Returns the traffic since the previous report as the difference of cumulative counts. Counts decrease only if a
 * gateway lost its own.
 */
export function trafficOf(totals: Traffic['totals'], before: Report | undefined): Traffic {
  const known = before?.body.traffic?.totals;
  const latency = totals.latency.map((count, bucket) => Math.max(0, count - (known?.latency[bucket] ?? 0)));
  const at = (share: number): number => latencyQuantileMs(latency, share) ?? 0;
  const measured = latency.some((count) => count > 0);
  return {
    since: known === undefined ? null : (before?.effectiveAt ?? null),
    requests: Math.max(0, totals.requests - (known?.requests ?? 0)),
    errors: Math.max(0, totals.errors - (known?.errors ?? 0)),
    latency: measured ? { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) } : null,
    totals,
  };
}

const parts = 24;

/**
 * Counts the rows in equal parts of the window, by their event times.
 *
 * @param before counts of other rows, to which these are added.
 */
export function volumeOf(
  eventTimesMs: ArrayLike<number>,
  window: { readonly from: string; readonly to: string },
  before: readonly number[] = [],
): number[] {
  const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
  const counts = Array.from({ length: parts }, (_, part) => before[part] ?? 0);
  for (let row = 0; row < eventTimesMs.length; row += 1) {
    const at = eventTimesMs[row] ?? Number.NaN;
    const part = Math.min(parts - 1, Math.max(0, Math.floor(((at - from) / (to - from)) * parts)));
    counts[part] = (counts[part] ?? 0) + 1;
  }
  return counts;
}
