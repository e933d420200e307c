import type { PoolClient } from 'pg';
import type { Database } from './connection.ts';

/** What is told of: generations, keys and grants (triggers of migrations/0001_laws.sql); what gateways have loaded (gateway-rows.ts). */
export type Channel = 'perennial_serving' | 'perennial_acknowledged';

/**
 * Calls back soon after the channel was notified, and every `pollMs` whatever happens: a notification that was lost with
 * its connection is only late. The connection is taken again at the next poll. Answers how to stop.
 */
export async function watchChannel(
  db: Database,
  channel: Channel,
  onChange: () => void,
  pollMs: number,
): Promise<() => Promise<void>> {
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

type Stop = () => Promise<void>;

/** One watch for all who watch at the same time: it begins with the first of them and stops with the last. */
export function sharedWatch(watch: (onChange: () => void) => Promise<Stop>): (onChange: () => void) => Promise<Stop> {
  const watching = new Set<() => void>();
  let shared: Promise<Stop> | undefined;
  return async (onChange) => {
    // Wrapped, so that the same function may watch twice.
    const call = (): void => onChange();
    watching.add(call);
    shared ??= watch(() => {
      for (const each of watching) each();
    });
    await shared;
    return async () => {
      watching.delete(call);
      if (watching.size > 0 || shared === undefined) return;
      const stop = shared;
      shared = undefined;
      await (
        await stop
      )();
    };
  };
}
