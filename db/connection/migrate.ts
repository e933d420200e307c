import { applyMigrations, drizzle } from './orm.ts';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { asPerennialError } from './database-errors.ts';

/** Any number that nothing else in the database locks by. */
const migrationLock = 7_306_084_113;

/** Brings the database to this version's schema. Twenty processes may call it at once: one works, the others wait for it. `database-unavailable`. */
export async function migrate(url: string): Promise<void> {
  const client = new Client({
    connectionString: url,
    application_name: 'perennial migrate',
    connectionTimeoutMillis: 5_000,
  });
  // A connection lost while nothing is asked of it would otherwise end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select pg_advisory_lock($1)', [migrationLock]);
    await applyMigrations(drizzle(client), {
      migrationsFolder: fileURLToPath(new URL('../migrations', import.meta.url)),
    });
  } catch (caught) {
    throw asPerennialError(caught);
  } finally {
    // The lock is the session's, and goes with it.
    await client.end().catch(() => {});
  }
}
