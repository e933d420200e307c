import { drizzle, type NodePgDatabase } from './orm.ts';
import { Pool } from 'pg';
import type { Logger } from '../../ports/logger.ts';
import { asPerennialError, isWorthRepeating } from './database-errors.ts';

/** A connection pool. `$client` is the underlying pool, needed for LISTEN. */
export type Database = NodePgDatabase<Record<string, never>> & { readonly $client: Pool };
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
/** A transaction, or the pool for statements outside one. */
export type Executor = Database | Transaction;

export interface TransactOptions {
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  readonly readOnly?: boolean;
}

const mostAttempts = 5;

/**
 * Creates a pool without connecting; the first statement opens a connection. Limits: 10 connections, 5 s to open one,
 * 60 s per statement.
 */
export function connect(url: string, logger?: Logger): Database {
  const pool = new Pool({
    connectionString: url,
    application_name: 'perennial',
    max: 10,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    statement_timeout: 60_000,
    query_timeout: 65_000,
    idle_in_transaction_session_timeout: 60_000,
  });
  const lost = (error: Error): void =>
    logger?.warn({ reason: error.message }, 'a database connection was lost; the next statement opens another');
  pool.on('error', lost);
  // The pool handles errors of idle connections only. Without this handler, a connection lost between two statements of
  // a transaction would end the process.
  pool.on('connect', (client) => client.on('error', lost));
  return drizzle(pool);
}

/**
 * Runs one transaction. Retries serialization failures and deadlocks, with five attempts in all, so `work` may run more
 * than once and must have no effects besides its statements. Throws `database-unavailable` if the database does not
 * answer.
 */
export async function transact<Result>(
  db: Database,
  work: (tx: Transaction) => Promise<Result>,
  options: TransactOptions = {},
): Promise<Result> {
  const config = {
    isolationLevel: options.isolation ?? 'read committed',
    accessMode: options.readOnly === true ? 'read only' : 'read write',
  } as const;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction(work, config);
    } catch (caught) {
      if (attempt >= mostAttempts || !isWorthRepeating(caught)) throw asPerennialError(caught);
      await pause(attempt);
    }
  }
}

/** Runs statements outside a transaction, with the same errors as `transact`. Meant for single statements. */
export async function query<Result>(db: Database, work: (db: Database) => Promise<Result>): Promise<Result> {
  try {
    return await work(db);
  } catch (caught) {
    throw asPerennialError(caught);
  }
}

/**
 * Waits a random time before the next attempt (up to 10, 20, 40 and 80 ms), so that colliding transactions do not
 * collide again.
 */
async function pause(attempt: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * 2 ** attempt));
}
