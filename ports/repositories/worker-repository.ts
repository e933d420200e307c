import type { Id, Instant } from '../../contracts/identifiers.ts';
import type { Isolation, LiveWorker } from '../../contracts/runs/isolation.ts';

export interface WorkerRepository {
  /** Makes or renews the row of a worker, and forgets those that have been silent for a day. */
  announce(worker: {
    readonly id: Id;
    readonly host: string;
    readonly isolation: Isolation;
    readonly startedAt: Instant;
  }): Promise<void>;
  /** Those that were heard of in the last minute, oldest first. */
  live(): Promise<readonly LiveWorker[]>;
  /** A worker that stops says so. */
  leave(id: Id): Promise<void>;
}
