import type { GatewayLease } from '../../contracts/serving/deployment.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Clock } from '../../ports/clock.ts';

const freshMs = 1_000;

/** The live gateways in turn. They are read again every second at most, so that rows do not each ask the database. */
export class LiveGateways {
  readonly #read: () => Promise<readonly GatewayLease[]>;
  readonly #clock: Clock;
  #known: readonly GatewayLease[] = [];
  #reading: Promise<void> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #turn = 0;

  constructor(read: () => Promise<readonly GatewayLease[]>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  /** The next one's address; `gateways-absent` if none holds a lease. */
  async next(): Promise<string> {
    await this.#refresh();
    const now = this.#clock.now();
    const live = this.#known.filter((lease) => lease.leaseUntil > now);
    const chosen = live[this.#turn++ % Math.max(1, live.length)];
    if (chosen) return chosen.address;
    throw absent();
  }

  /** After a failure: read again before the next turn. */
  forget(): void {
    this.#readAt = Number.NEGATIVE_INFINITY;
  }

  async #refresh(): Promise<void> {
    if (performance.now() - this.#readAt < freshMs) return;
    this.#reading ??= this.#readAgain().finally(() => (this.#reading = undefined));
    await this.#reading;
  }

  async #readAgain(): Promise<void> {
    try {
      this.#known = await this.#read();
      this.#readAt = performance.now();
    } catch (caught) {
      // Gateways serve without the database; so do those who know them, until the leases that were read run out.
      if (this.#known.length === 0) throw caught;
    }
  }
}

export function absent(): PerennialError {
  return new PerennialError(
    'gateways-absent',
    'no gateway holds a live lease; start one, or look at its log for why it cannot reach the database',
  );
}
