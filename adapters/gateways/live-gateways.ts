import type { GatewayLease } from '../../contracts/serving/deployment.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Clock } from '../../ports/clock.ts';

const freshMs = 1_000;

/**
 * Rotates over the live gateways. The list is read at most once per second, so that not every row queries the database.
 */
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

  /** Returns the address of the next gateway. Throws `gateways-absent` if none holds a lease. */
  async next(): Promise<string> {
    await this.#refresh();
    const now = this.#clock.now();
    const live = this.#known.filter((lease) => lease.leaseUntil > now);
    const chosen = live[this.#turn++ % Math.max(1, live.length)];
    if (chosen) return chosen.address;
    throw absent();
  }

  /** Makes the next call of `next` read the gateways again. Called after a failure. */
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
      // Gateways serve while the database is down, so the known ones are used until their leases expire.
      if (this.#known.length === 0) throw caught;
    }
  }
}

export function absent(): PerennialError {
  return new PerennialError(
    'gateways-absent',
    'no gateway holds a live lease; start a gateway, or check the log of a running one for the reason why it cannot reach the database',
  );
}
