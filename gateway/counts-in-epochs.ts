import type { Id } from '../contracts/identifiers.ts';
import type { CountKey, InEpoch } from '../contracts/prediction.ts';

interface Entry<Count> {
  readonly count: Count;
  /** Whether `count` is what was last told. */
  told: boolean;
  readonly changedAt: number;
}

export interface CountingDependencies {
  readonly gatewayId: Id;
  readonly newEpoch: () => Id;
  readonly steadyNow: () => number;
}

export type CountOf = Omit<CountKey, 'gatewayId'>;
export type EpochKey = CountKey & InEpoch;

/** Counts that nothing has changed for this long are forgotten. The next request begins a new epoch. */
const forgetAfterMs = 60 * 60_000;
/** Counts of earlier processes that the database has not been told yet; beyond it the oldest are dropped. */
const mostEnded = 1_000;

/**
 * Cumulative counts by generation and release. Whatever is counted from zero (after a start, after an idle hour) is an
 * epoch of its own, so that the database neither overlooks it nor adds what was told twice.
 */
export class CountsInEpochs<Count extends EpochKey> {
  readonly #deps: CountingDependencies;
  /** Counted by an earlier process: nothing is added to them, and they are forgotten once they have been told. */
  #ended: Entry<Count>[] = [];
  readonly #current = new Map<string, Entry<Count>>();

  constructor(deps: CountingDependencies) {
    this.#deps = deps;
  }

  /**
   * What an earlier process of this gateway had counted. It is told once more, and new requests are not added to it: the
   * file that it was kept in may be older than what the database was told.
   */
  restore(counts: readonly Count[]): void {
    const own = counts.filter(({ gatewayId }) => gatewayId === this.#deps.gatewayId).slice(-mostEnded);
    this.#ended = own.map((count) => ({ count, told: false, changedAt: 0 }));
  }

  all(): readonly Count[] {
    return this.#entries().map(({ count }) => count);
  }

  /** Replaces the count of the current epoch by what `grow` makes of it; `begin` makes one of zeros. */
  add(of: CountOf, begin: (key: EpochKey) => Count, grow: (count: Count) => Count): void {
    const { gatewayId, newEpoch, steadyNow } = this.#deps;
    const key = keyOf(of);
    const known = this.#current.get(key)?.count ?? begin({ ...of, gatewayId, epoch: newEpoch() });
    this.#current.set(key, { count: grow(known), told: false, changedAt: steadyNow() });
  }

  /** Tells what has changed since it was last told. */
  async report(tell: (counts: readonly Count[]) => Promise<void>): Promise<void> {
    const changed = this.#entries().filter(({ told }) => !told);
    if (changed.length > 0) await tell(changed.map(({ count }) => count));
    // An entry that has grown meanwhile was replaced by another, which is still to be told.
    for (const entry of changed) entry.told = true;
    this.#forget();
  }

  #forget(): void {
    this.#ended = this.#ended.filter(({ told }) => !told);
    const horizon = this.#deps.steadyNow() - forgetAfterMs;
    for (const [key, { told, changedAt }] of this.#current) if (told && changedAt < horizon) this.#current.delete(key);
  }

  #entries(): readonly Entry<Count>[] {
    return [...this.#ended, ...this.#current.values()];
  }
}

function keyOf({ modelId, environment, generation, releaseDigest }: CountOf): string {
  return `${modelId}/${environment}/${generation}/${releaseDigest}`;
}
