import type { Id } from '../contracts/identifiers.ts';
import type { ShadowCount } from '../contracts/prediction.ts';
import type { ServedScope, ServedSlot } from './serving-table.ts';

type Growing = { -readonly [Key in keyof ShadowCount]: ShadowCount[Key] };

interface Counted {
  readonly count: Growing;
  told: string;
  changedAt: number;
}

/** What one request of the shadow came to; all of rows. */
export interface Compared {
  readonly compared: number;
  readonly failed: number;
  readonly dropped: number;
  readonly absoluteDifference: number;
  readonly beyond: number;
}

/** Counts that nothing has changed for this long are forgotten; by then their generation is history. */
const forgetAfterMs = 60 * 60_000;

/** How shadows differ, by generation and release; cumulative, so that telling them twice changes nothing. */
export class ShadowCounts {
  readonly #gatewayId: Id;
  readonly #steadyNow: () => number;
  readonly #counts = new Map<string, Counted>();

  constructor(gatewayId: Id, steadyNow: () => number) {
    this.#gatewayId = gatewayId;
    this.#steadyNow = steadyNow;
  }

  /** What an earlier process of this gateway had counted. */
  restore(counts: readonly ShadowCount[]): void {
    for (const count of counts)
      if (count.gatewayId === this.#gatewayId)
        this.#counts.set(keyOf(count), { count: { ...count }, told: '', changedAt: this.#steadyNow() });
  }

  all(): readonly ShadowCount[] {
    return [...this.#counts.values()].map(({ count }) => ({ ...count }));
  }

  add(served: ServedScope, shadow: ServedSlot, more: Compared): void {
    const { modelId, environment } = served.scope;
    const { generation } = served;
    const { releaseDigest } = shadow;
    const none = { compared: 0, failed: 0, dropped: 0, absoluteDifference: 0, beyond: 0 };
    const fresh = { gatewayId: this.#gatewayId, modelId, environment, generation, releaseDigest, ...none };
    const counted = this.#counts.get(keyOf(fresh)) ?? { count: fresh, told: '', changedAt: 0 };
    this.#counts.set(keyOf(fresh), counted);
    counted.count.compared += more.compared;
    counted.count.failed += more.failed;
    counted.count.dropped += more.dropped;
    counted.count.absoluteDifference += more.absoluteDifference;
    counted.count.beyond += more.beyond;
    counted.changedAt = this.#steadyNow();
  }

  /** Tells what has changed since it was last told. */
  async report(tell: (counts: readonly ShadowCount[]) => Promise<void>): Promise<void> {
    const changed = [...this.#counts.values()].filter((counted) => JSON.stringify(counted.count) !== counted.told);
    const told = changed.map(({ count }) => ({ ...count }));
    if (told.length > 0) await tell(told);
    changed.forEach((counted, index) => (counted.told = JSON.stringify(told[index])));
    const horizon = this.#steadyNow() - forgetAfterMs;
    for (const [key, counted] of this.#counts) if (counted.changedAt < horizon) this.#counts.delete(key);
  }
}

function keyOf({ modelId, environment, generation, releaseDigest }: ShadowCount): string {
  return `${modelId}/${environment}/${generation}/${releaseDigest}`;
}
