import type { Sha256 } from '../../contracts/identifiers.ts';
import { latencyBoundsMs, latencyBucket } from '../../contracts/models/latency.ts';
import type { ServingCountOfEpoch } from '../../contracts/serving/prediction.ts';
import type { CountingDependencies, EpochKey } from './counts-in-epochs.ts';
import { CountsInEpochs } from './counts-in-epochs.ts';
import type { ServedScope } from '../serving/serving-table.ts';

/** The outcome of one request to the model. */
export interface Outcome {
  /** Latency in milliseconds; `undefined` if the model answered no row. */
  readonly answeredInMs: number | undefined;
  /**
   * Set if the model failed on the request or on some of its rows. `own`: the other release of the rollout step can
   * answer them.
   */
  readonly failed?: { readonly own: boolean };
}

/** Counts requests, errors and latencies by generation and release. */
export class ServingCounts {
  readonly #counts: CountsInEpochs<ServingCountOfEpoch>;

  constructor(deps: CountingDependencies) {
    this.#counts = new CountsInEpochs(deps);
  }

  restore(counts: readonly ServingCountOfEpoch[]): void {
    this.#counts.restore(counts);
  }

  all(): readonly ServingCountOfEpoch[] {
    return this.#counts.all();
  }

  add({ scope, generation }: ServedScope, releaseDigest: Sha256, outcome: Outcome): void {
    const { modelId, environment } = scope;
    this.#counts.add({ modelId, environment, generation, releaseDigest }, noRequests, (count) => grow(count, outcome));
  }

  report(tell: (counts: readonly ServingCountOfEpoch[]) => Promise<void>): Promise<void> {
    return this.#counts.report(tell);
  }
}

function noRequests(key: EpochKey): ServingCountOfEpoch {
  const latency = Array.from({ length: latencyBoundsMs.length + 1 }, () => 0);
  return { ...key, requests: 0, errors: 0, ownErrors: 0, latency };
}

function grow(count: ServingCountOfEpoch, { answeredInMs, failed }: Outcome): void {
  count.requests += 1;
  if (failed !== undefined) count.errors += 1;
  if (failed?.own === true) count.ownErrors += 1;
  if (answeredInMs === undefined) return;
  const bucket = latencyBucket(answeredInMs);
  count.latency[bucket] = (count.latency[bucket] ?? 0) + 1;
}
