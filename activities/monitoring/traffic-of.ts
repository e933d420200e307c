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
