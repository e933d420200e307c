import { Client } from 'pg';
import type { TestDatabase } from './postgres-of-tests.ts';

/** Runs one statement with every trigger and foreign key off, as somebody with full access to the database could. */
export async function tamper(database: TestDatabase, text: string, values: readonly unknown[] = []): Promise<void> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query('set session_replication_role = replica');
    await client.query(text, [...values]);
  } finally {
    await client.end();
  }
}
