import type { EmbeddedStack } from './embedded-stack.ts';
import { startEmbeddedStack } from './embedded-stack.ts';
import { createTestDatabase } from './postgres-of-tests.ts';

/**
 * Starts a stack with a database of its own in the Postgres of the test run, through DATABASE_URL. It starts some seconds
 * sooner than a stack that makes its own Postgres.
 */
export async function startStackOfRun(environment: Record<string, string> = {}): Promise<EmbeddedStack> {
  const database = await createTestDatabase();
  return startEmbeddedStack({ DATABASE_URL: database.url, ...environment }, () => database.drop());
}
