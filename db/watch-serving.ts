import type { PoolClient } from 'pg';
import type { Database } from './connection.ts';

// The channel that the migrations' triggers notify (migrations/0001_laws.sql).
const channel = 'perennial_serving';

/**
 * Calls back soon after what gateways follow has changed, and every `pollMs` whatever happens: a notification that was
 * lost with its connection is only late. The connection is taken again at the next poll. Answers how to stop.
 */
export async function watchServing(db: Database, onChange: () => void, pollMs: number): Promise<() => Promise<void>> {
  let client: PoolClient | undefined;
  let stopped = false;
  let listening: Promise<void> | undefined;

  const drop = (): void => {
    // `true`: it listens, so it must not go back to the pool.
    client?.release(true);
    client = undefined;
  };
  const listen = async (): Promise<void> => {
    if (client !== undefined || stopped) return;
    const taken = await db.$client.connect();
    taken.once('error', drop);
    taken.once('end', () => {
      if (client === taken) drop();
    });
    taken.on('notification', onChange);
    client = taken;
    await taken.query(`LISTEN ${channel}`);
    if (stopped) drop();
    // What was raised between the poll and this moment has told nobody.
    else onChange();
  };
  const poll = (): void => {
    onChange();
    // A database that is away is found out, and said, by whoever reads what has changed.
    listening ??= listen()
      .catch(drop)
      .finally(() => (listening = undefined));
  };
  const timer = setInterval(poll, pollMs);
  poll();
  await listening;
  return async () => {
    stopped = true;
    clearInterval(timer);
    await listening;
    drop();
  };
}
