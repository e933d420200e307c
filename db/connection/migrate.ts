import { applyMigrations, drizzle } from './orm.ts';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { asPerennialError } from './database-errors.ts';

/** Arbitrary advisory lock key that nothing else in the database uses. */
const migrationLock = 7_306_084_113;

/**
 * Migrates the database to this version's schema. Concurrent calls are safe: one process migrates and the others wait.
 * Throws `database-unavailable`.
 */
export async function migrate(url: string): Promise<void> {
  const client = new Client({
    connectionString: url,
    application_name: 'perennial migrate',
    connectionTimeoutMillis: 5_000,
  });
  // Without this handler, a connection lost while idle would end the process.
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
    // Ending the session releases its advisory lock.
    await client.end().catch(() => {});
  }
}
