import { createSystemClock } from '../../adapters/clock/system.ts';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { DatasetManifest } from '../../contracts/data/dataset-version.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { connect, transact } from '../../db/connection/connect.ts';
import type { RepositoryContext } from '../../db/connection/repository-context.ts';
import { insertRun } from '../../db/runs/insert-run.ts';
import { createModelRepository } from '../../db/models/model-repository.ts';
import { createPrincipalRepository } from '../../db/principals/principal-repository.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres-of-tests.ts';

/** A new database with one principal and the model `bike-demand` in production. */
export interface DatabaseGround {
  readonly database: TestDatabase;
  readonly context: RepositoryContext;
  readonly by: Id;
  readonly scope: Scope;
  end(): Promise<void>;
}

export const configuration = Configuration.parse({
  schemaVersion: 1,
  name: 'bike-demand',
  task: 'regression',
  owner: 'demand-team',
  data: { source: { path: 'hour.csv' }, target: 'cnt', features: ['temp'] },
  code: { path: 'train', command: ['python', 'train.py'] },
  build: { holdout: { last: '14 days' } },
});

export async function layDatabaseGround(): Promise<DatabaseGround> {
  const database = await createTestDatabase();
  const context: RepositoryContext = { db: connect(database.url), clock: createSystemClock(), ids: createIdMaker() };
  const principal = await createPrincipalRepository(context).ensure('operator', 'person', [{ role: 'operator' }], null);
  const { scope } = await createModelRepository(context).apply('default', 'production', configuration, principal.id);
  const end = async (): Promise<void> => {
    await context.db.$client.end();
    await database.drop();
  };
  return { database, context, by: principal.id, scope, end };
}

export function digestOf(name: string): string {
  return sha256OfJson(name);
}

export function manifestOf(...parts: readonly string[]): DatasetManifest {
  return {
    schemaVersion: 1,
    columns: [{ name: 'cnt', type: 'integer', nullable: false }],
    timezone: 'UTC',
    rows: parts.length,
    parts: parts.map((part) => ({ sha256: digestOf(part), bytes: 1, rows: 1 })),
  };
}

export async function queueBuild({
  context,
  scope,
  by,
}: Pick<DatabaseGround, 'context' | 'scope' | 'by'>): Promise<Id> {
  const id = context.ids.next();
  const asOf = context.clock.now();
  await transact(context.db, (tx) =>
    insertRun(tx, scope, {
      id,
      request: { kind: 'build', schemaVersion: 1, asOf, automated: false },
      because: 'manual',
      effectiveAt: asOf,
      by,
    }),
  );
  return id;
}
