import type { Id } from '../../contracts/identifiers.ts';
import type { CountKey, InEpoch } from '../../contracts/serving/prediction.ts';

interface Entry<Count> {
  readonly count: Count;
  /** How often `count` has changed, and how often it had changed when it was last reported. */
  changes: number;
  told: number;
  changedAt: number;
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
    this.#ended = own.map((count) => ({ count, changes: 1, told: 0, changedAt: 0 }));
  }

  all(): readonly Count[] {
    return this.#entries().map(({ count }) => structuredClone(count));
  }

  /** Changes the current epoch's count by `grow`; `begin` makes a count of zeros. */
  add(of: CountOf, begin: (key: EpochKey) => Count, grow: (count: Count) => void): void {
    const { gatewayId, newEpoch, steadyNow } = this.#deps;
    const key = keyOf(of);
    let entry = this.#current.get(key);
    if (entry === undefined) {
      entry = { count: begin({ ...of, gatewayId, epoch: newEpoch() }), changes: 0, told: 0, changedAt: 0 };
      this.#current.set(key, entry);
    }
    grow(entry.count);
    entry.changes += 1;
    entry.changedAt = steadyNow();
  }

  /** Reports the counts that have changed since the last report. */
  async report(tell: (counts: readonly Count[]) => Promise<void>): Promise<void> {
    const changed = this.#entries()
      .filter(({ changes, told }) => changes > told)
      .map((entry) => ({ entry, changes: entry.changes, count: structuredClone(entry.count) }));
    if (changed.length > 0) await tell(changed.map(({ count }) => count));
    // An entry may have grown meanwhile.
    for (const { entry, changes } of changed) entry.told = changes;
    this.#forget();
  }

  #forget(): void {
    this.#ended = this.#ended.filter(({ changes, told }) => changes > told);
    const horizon = this.#deps.steadyNow() - forgetAfterMs;
    for (const [key, { changes, told, changedAt }] of this.#current)
      if (changes === told && changedAt < horizon) this.#current.delete(key);
  }

  #entries(): readonly Entry<Count>[] {
    return [...this.#ended, ...this.#current.values()];
  }
}

function keyOf({ modelId, environment, generation, releaseDigest }: CountOf): string {
  return `${modelId}/${environment}/${generation}/${releaseDigest}`;
}
