import type { Id } from '../../contracts/identifiers.ts';
import type { CountKey, InEpoch } from '../../contracts/serving/prediction.ts';

interface Entry<Count> {
  readonly count: Count;
  /** Whether `count` has been reported already. */
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

/** Counts that have not changed for this long are dropped. The next request begins a new epoch. */
const forgetAfterMs = 60 * 60_000;
/** The most unreported counts of earlier processes to keep; beyond this number the oldest are dropped. */
const mostEnded = 1_000;

/**
 * Cumulative counts by generation and release. Counting from zero (after a start or an idle hour) begins a new
 * epoch, so that the database neither misses counts nor adds a report twice.
 */
export class CountsInEpochs<Count extends EpochKey> {
  readonly #deps: CountingDependencies;
  /** Counts of an earlier process. They never grow, and are dropped once they are reported. */
  #ended: Entry<Count>[] = [];
  readonly #current = new Map<string, Entry<Count>>();

  constructor(deps: CountingDependencies) {
    this.#deps = deps;
  }

  /**
   * Takes over the counts of an earlier process of this gateway. They are reported once more and not added to, because the
   * file may be older than the last report to the database.
   */
  restore(counts: readonly Count[]): void {
    const own = counts.filter(({ gatewayId }) => gatewayId === this.#deps.gatewayId).slice(-mostEnded);
    this.#ended = own.map((count) => ({ count, told: false, changedAt: 0 }));
  }

  all(): readonly Count[] {
    return this.#entries().map(({ count }) => count);
  }

  /** Replaces the current epoch's count with the result of `grow`; `begin` makes a count of zeros. */
  add(of: CountOf, begin: (key: EpochKey) => Count, grow: (count: Count) => Count): void {
    const { gatewayId, newEpoch, steadyNow } = this.#deps;
    const key = keyOf(of);
    const known = this.#current.get(key)?.count ?? begin({ ...of, gatewayId, epoch: newEpoch() });
    this.#current.set(key, { count: grow(known), told: false, changedAt: steadyNow() });
  }

  /** Reports the counts that have changed since the last report. */
  async report(tell: (counts: readonly Count[]) => Promise<void>): Promise<void> {
    const changed = this.#entries().filter(({ told }) => !told);
    if (changed.length > 0) await tell(changed.map(({ count }) => count));
    // An entry that grew meanwhile was replaced by a new one, which is still unreported.
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
