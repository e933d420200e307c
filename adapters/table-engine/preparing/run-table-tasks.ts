import type { LockedDatabase } from '../process/locked-database.ts';

/** Queries that run one after the other on one connection. */
export type TableTask = (connection: LockedDatabase) => Promise<void>;

/**
 * Runs tasks on several connections at the same time. The first queue belongs to the first connection, and so on; a
 * connection whose queue is empty takes the last task of another one. After an error no further task begins, and the
 * error is thrown when all tasks that began have ended.
 */
export async function runTableTasks(
  connections: readonly LockedDatabase[],
  queues: readonly (readonly TableTask[])[],
): Promise<void> {
  const left = queues.map((queue) => [...queue]);
  let hasFailed = false;
  const lanes = connections.map(async (connection, at) => {
    for (;;) {
      const task = left[at]?.shift() ?? left.findLast((queue) => queue.length > 0)?.pop();
      if (task === undefined || hasFailed) return;
      await task(connection).catch((caught: unknown) => {
        hasFailed = true;
        throw caught;
      });
    }
  });
  for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason;
}
