import type { EmbeddedStack } from './embedded-stack.ts';
import { startEmbeddedStack } from './embedded-stack.ts';
import { createTestDatabase } from './postgres.ts';

/**
 * A stack whose database is one of its own on the run's Postgres, as DATABASE_URL has it for users: for tests of what a
 * stack does. To make a Postgres for each takes half of a stack's start.
 */
export async function startStackOfRun(environment: Record<string, string> = {}): Promise<EmbeddedStack> {
  const database = await createTestDatabase();
  return startEmbeddedStack({ DATABASE_URL: database.url, ...environment }, () => database.drop());
}
