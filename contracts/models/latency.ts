/**
 * Upper bounds in milliseconds of the latency buckets that gateways count. One more bucket holds all latencies above
 * the last bound.
 */
export const latencyBoundsMs: readonly number[] = [
  1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000,
];

/** Returns the index of the bucket that contains a latency. */
export function latencyBucket(milliseconds: number): number {
  const bucket = latencyBoundsMs.findIndex((bound) => milliseconds <= bound);
  return bucket === -1 ? latencyBoundsMs.length : bucket;
}

/** Adds up the bucket counts of several gateways. Missing buckets count as zero. */
export function mergeLatencies(counts: readonly (readonly number[])[]): readonly number[] {
  const longest = Math.max(0, ...counts.map((buckets) => buckets.length));
  return Array.from({ length: longest }, (_, bucket) =>
    counts.reduce((sum, buckets) => sum + (buckets[bucket] ?? 0), 0),
  );
}

/**
 * Returns the latency in milliseconds at the quantile `share` (0 to 1), interpolated linearly within a bucket like
 * Prometheus' `histogram_quantile`. A quantile above the last bound is reported as that bound. Returns `undefined`
 * without requests.
 */
export function latencyQuantileMs(counts: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const rank = share * total;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    const upper = latencyBoundsMs[bucket];
    if (upper === undefined) break;
    if (count > 0 && below + count >= rank) {
      const lower = latencyBoundsMs[bucket - 1] ?? 0;
      return lower + (upper - lower) * ((rank - below) / count);
    }
    below += count;
  }
  return latencyBoundsMs.at(-1);
}
