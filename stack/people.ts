import { createSystemClock } from '../adapters/clock/system.ts';
import { createIdMaker } from '../adapters/ids/uuid.ts';
import { sha256OfBytes } from '../contracts/digest.ts';
import { migrate } from '../db/connection/migrate.ts';
import { createPostgresRepositories } from '../db/postgres-repositories.ts';
import type { Keys } from './secrets.ts';

const people = ['admin', 'operator', 'approver'] as const;

/** Migrates the database to this version, and creates the people whose keys the state folder holds. Idempotent. */
export async function preparePeople(databaseUrl: string, keys: Keys): Promise<void> {
  await migrate(databaseUrl);
  const repositories = createPostgresRepositories({
    url: databaseUrl,
    clock: createSystemClock(),
    ids: createIdMaker(),
  });
  try {
    for (const role of people) {
      const person = await repositories.principals.ensure(role, 'person', [{ role }], null);
      await repositories.principals.addKey(person.id, sha256OfBytes(keys[role]), 'embedded stack', null);
    }
  } finally {
    await repositories.close();
  }
}
