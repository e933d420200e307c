import { setTimeout as pause } from 'node:timers/promises';
import { reasonOf } from '../../contracts/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { DeploymentRepository, ServingReading } from '../../ports/repositories/deployment-repository.ts';
import type { PrincipalRepository } from '../../ports/repositories/principal-repository.ts';
import type { KeyTable } from '../key-table.ts';
import type { Repeated } from '../repeat.ts';
import { repeat } from '../repeat.ts';
import type { ServingTable } from '../serving/serving-table.ts';
import type { GatewayState } from './gateway-state.ts';

export interface FollowDependencies {
  readonly deployments: Pick<DeploymentRepository, 'servingTable' | 'watch'>;
  readonly principals: Pick<PrincipalRepository, 'keys'>;
  readonly table: ServingTable;
  readonly keys: KeyTable;
  readonly state: GatewayState;
  readonly logger: Logger;
  readonly steadyNow: () => number;
  readonly clock: Clock;
}

/** The database is also read at this interval, because notifications can be lost together with their connection. */
const pollMs = 2_000;
const keepReadAtEveryMs = 5_000;
const retryMs = 250;
const longestRetryMs = 2_000;
/** After a restart, how long to wait for the database before serving from the copies on disk. */
const patienceMs = 300;
/**
 * Minimum interval between reads of the keys that an unknown key triggers, so that invalid keys cannot overload the
 * database.
 */
const lookAgainMs = 250;

/**
 * Follows the deployments and API keys in the database. While the database is unreachable, the last ones read stay in
 * use.
 */
export class DeploymentFollower {
  readonly #deps: FollowDependencies;
  #known: ServingReading | undefined;
  #following: Repeated | undefined;
  #watching: Promise<() => Promise<void>> | undefined;
  #readAt: number | undefined;
  /**
   * Steady-clock time from which staleness is measured until the first read. A restart without the database moves it
   * into the past.
   */
  #staleSince: number;
  #keptReadAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  /** Number of reads of the keys begun so far, and the number of the one whose keys are in force. */
  #keyReads = 0;
  #keyReadInForce = 0;
  #looking: Promise<void> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(deps: FollowDependencies) {
    this.#deps = deps;
    this.#staleSince = deps.steadyNow();
  }

  /**
   * Loads the deployments from the database or, if it does not answer in time, those that the last process saved on disk, and then
   * follows the database.
   */
  async start(): Promise<void> {
    this.#following = repeat(() => this.#follow());
    await Promise.race([this.#following.now(), pause(patienceMs)]);
    if (this.#readAt === undefined) await this.#takeUpCopies();
    this.#watching = this.#deps.deployments.watch(() => void this.#following?.now(), pollMs);
  }

  async stop(): Promise<void> {
    const stopWatching = await this.#watching;
    await stopWatching?.();
    await this.#following?.stop();
  }

  staleSeconds(): number {
    return (this.#deps.steadyNow() - (this.#readAt ?? this.#staleSince)) / 1000;
  }

  /** Reads the keys again because a presented key was not found. Concurrent callers share one read. */
  lookAgain(): Promise<void> {
    this.#looking ??= this.#lookAgain().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #lookAgain(): Promise<void> {
    const wait = this.#lookedAt + lookAgainMs - this.#deps.steadyNow();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    this.#lookedAt = this.#deps.steadyNow();
    // A later caller may have a key that this read does not see, so it needs a new read.
    this.#looking = undefined;
    await this.#readKeys().catch((caught: unknown) =>
      this.#deps.logger.debug({ reason: reasonOf(caught) }, 'the API keys cannot be read from the database'),
    );
  }

  async #readKeys(): Promise<void> {
    const read = ++this.#keyReads;
    const records = await this.#deps.principals.keys();
    // Reads overlap, and an older one that ends later would forget a new key and bring a revoked one back.
    if (read < this.#keyReadInForce) return;
    this.#keyReadInForce = read;
    this.#deps.keys.replace(records);
    await this.#deps.state.keepKeys(records);
  }

  /** Returns the pause in milliseconds until the next read, unless a notification comes earlier. */
  async #follow(): Promise<number> {
    try {
      const [reading] = await Promise.all([this.#deps.deployments.servingTable(), this.#readKeys()]);
      if (this.#failures > 0) this.#deps.logger.info({}, 'the database answers again');
      this.#failures = 0;
      this.#known = reading;
      this.#readAt = this.#deps.steadyNow();
      this.#serve(reading);
      await this.#keepReadAt(this.#readAt);
      return pollMs;
    } catch (caught) {
      if (this.#failures === 0)
        this.#deps.logger.warn(
          { reason: reasonOf(caught) },
          'the database cannot be read; the loaded generations keep serving',
        );
      this.#failures += 1;
      // Models that could not be loaded before may be available now.
      if (this.#known) this.#serve(this.#known);
      return Math.min(longestRetryMs, retryMs * 2 ** Math.min(this.#failures - 1, 10));
    }
  }

  /**
   * Saves the time of the last read at most every few seconds. After a restart without the database, the reported age
   * may therefore be a few seconds too high, but never too low.
   */
  async #keepReadAt(readAt: number): Promise<void> {
    if (readAt - this.#keptReadAt < keepReadAtEveryMs) return;
    this.#keptReadAt = readAt;
    await this.#deps.state.keepReadAt(this.#deps.clock.now());
  }

  /** Applies the reading without waiting for it: a model that loads slowly must not delay changes of other models. */
  #serve(reading: ServingReading): void {
    const { table, state, logger } = this.#deps;
    table
      .follow(reading)
      .then(() => state.keepEntries(table.entries()))
      .catch((caught: unknown) => logger.error({ err: caught }, 'the deployments could not be applied'));
  }

  async #takeUpCopies(): Promise<void> {
    const { state, keys, logger } = this.#deps;
    const [entries, records, readAt] = await Promise.all([state.entries(), state.keys(), state.readAt()]);
    // The database may have answered while the files were read.
    if (this.#readAt !== undefined) return;
    if (records) keys.replace(records);
    if (readAt !== undefined) this.#staleSince -= Math.max(0, Date.parse(this.#deps.clock.now()) - Date.parse(readAt));
    if (!entries) return;
    logger.warn(
      { scopes: entries.length },
      'the database does not answer; the last known generations are served from this disk',
    );
    this.#known = { entries, idle: [], mismatches: [] };
    this.#serve(this.#known);
  }
}
