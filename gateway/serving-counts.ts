import type { Id, Sha256 } from '../contracts/identifiers.ts';
import { latencyBoundsMs, latencyBucket } from '../contracts/latency.ts';
import type { ServingCount } from '../contracts/prediction.ts';
import type { ServedScope } from './serving-table.ts';

interface Counted {
  readonly count: {
    gatewayId: Id;
    modelId: Id;
    environment: string;
    generation: number;
    releaseDigest: Sha256;
    requests: number;
    errors: number;
    latency: number[];
  };
  reported: number;
  changedAt: number;
}

/** Counts that nothing has changed for this long are forgotten; by then their generation is history. */
const forgetAfterMs = 60 * 60_000;

/** What an older gateway kept has none. */
function allBuckets(known: readonly number[]): number[] {
  return Array.from({ length: latencyBoundsMs.length + 1 }, (_, bucket) => known[bucket] ?? 0);
}

/** Requests, errors and latencies by generation and release since this gateway first began; cumulative, so that telling them twice changes nothing. */
export class ServingCounts {
  readonly #gatewayId: Id;
  readonly #steadyNow: () => number;
  readonly #counts = new Map<string, Counted>();

  constructor(gatewayId: Id, steadyNow: () => number) {
    this.#gatewayId = gatewayId;
    this.#steadyNow = steadyNow;
  }

  /** What an earlier process of this gateway had counted, which is told again as a whole. */
  restore(counts: readonly ServingCount[]): void {
    for (const count of counts) {
      if (count.gatewayId !== this.#gatewayId) continue;
      const key = `${count.modelId}/${count.environment}/${count.generation}/${count.releaseDigest}`;
      this.#counts.set(key, {
        count: { ...count, latency: allBuckets(count.latency) },
        reported: 0,
        changedAt: this.#steadyNow(),
      });
    }
  }

  all(): readonly ServingCount[] {
    return [...this.#counts.values()].map(({ count }) => ({ ...count, latency: [...count.latency] }));
  }

  /** One answered request, with how long it took, or one that the model failed on. */
  add(served: ServedScope, releaseDigest: Sha256, outcome: { readonly answeredInMs: number } | 'failed'): void {
    const { modelId, environment } = served.scope;
    const key = `${modelId}/${environment}/${served.generation}/${releaseDigest}`;
    let counted = this.#counts.get(key);
    if (!counted) {
      counted = {
        count: {
          gatewayId: this.#gatewayId,
          modelId,
          environment,
          generation: served.generation,
          releaseDigest,
          requests: 0,
          errors: 0,
          latency: allBuckets([]),
        },
        reported: 0,
        changedAt: 0,
      };
      this.#counts.set(key, counted);
    }
    counted.count.requests += 1;
    if (outcome === 'failed') counted.count.errors += 1;
    else {
      const bucket = latencyBucket(outcome.answeredInMs);
      counted.count.latency[bucket] = (counted.count.latency[bucket] ?? 0) + 1;
    }
    counted.changedAt = this.#steadyNow();
  }

  /** Tells what has changed since it was last told. */
  async report(tell: (counts: readonly ServingCount[]) => Promise<void>): Promise<void> {
    const changed = [...this.#counts.values()].filter((counted) => counted.count.requests !== counted.reported);
    const told = changed.map(({ count }) => ({ ...count, latency: [...count.latency] }));
    if (told.length > 0) await tell(told);
    changed.forEach((counted, index) => (counted.reported = told[index]?.requests ?? 0));
    const horizon = this.#steadyNow() - forgetAfterMs;
    for (const [key, counted] of this.#counts)
      if (counted.changedAt < horizon && counted.count.requests === counted.reported) this.#counts.delete(key);
  }
}
