import type { LockedDatabase } from '../process/locked-database.ts';

/** Queries that run one after the other on one connection. */
export type TableTask = (connection: LockedDatabase) => Promise<void>;

/**
 * Runs each queue's tasks in order on the connection of the same place. A connection whose queue is empty takes the last
 * tasks of another queue. Waits until all tasks that began have ended before it throws, and begins none after an error.
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
