import type { Id, Instant } from '../../contracts/identifiers.ts';
import type { Isolation, LiveWorker } from '../../contracts/runs/isolation.ts';

export interface WorkerRepository {
  /** Creates or renews a worker's row, and deletes rows of workers that have been silent for a day. */
  announce(worker: {
    readonly id: Id;
    readonly host: string;
    readonly isolation: Isolation;
    readonly startedAt: Instant;
  }): Promise<void>;
  /** Returns workers that reported in the last minute, oldest first. */
  live(): Promise<readonly LiveWorker[]>;
  /** Removes the row of a worker that stops. */
  leave(id: Id): Promise<void>;
}
