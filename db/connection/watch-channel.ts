import type { PoolClient } from 'pg';
import type { Database } from './connect.ts';

/**
 * Notification channels: `perennial_serving` for generations, keys and grants (triggers in migrations/0001_laws.sql),
 * and `perennial_acknowledged` for releases loaded by gateways and gateways that leave (gateway-rows.ts).
 */
export type Channel = 'perennial_serving' | 'perennial_acknowledged';

/**
 * Calls back soon after a notification on the channel, and every `pollMs` in any case: a notification lost with
 * its connection only causes a delay. The next poll reconnects. Returns a function that stops the watch.
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
    // `true` destroys the connection: it still listens, so it must not return to the pool.
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
    // Notifications between the last poll and LISTEN were lost, so check once now.
    else onChange();
  };
  const poll = (): void => {
    onChange();
    // The reader of the changes reports an unreachable database.
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

/** Shares one watch among all subscribers: it starts with the first and stops with the last. */
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
