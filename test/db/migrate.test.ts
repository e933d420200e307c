import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import { readFile, readdir } from 'node:fs/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../db/migrate.ts';
import * as schema from '../../db/schema.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client?.end();
  await database?.drop();
});

test('twenty processes that migrate at once leave every migration applied once', async () => {
  await Promise.all(Array.from({ length: 20 }, () => migrate(database.url)));
  const files = (await readdir('db/migrations')).filter((file) => file.endsWith('.sql'));
  const applied = await client.query(
    'select count(*)::int as applied, count(distinct hash)::int as distinct from drizzle.__drizzle_migrations',
  );
  expect(applied.rows[0]).toEqual({ applied: files.length, distinct: files.length });
});

test('migrating again changes nothing', async () => {
  await migrate(database.url);
  await migrate(database.url);
  const tables = await client.query(
    "select count(*)::int as tables from information_schema.tables where table_schema = 'public'",
  );
  expect(tables.rows[0].tables).toBe(Object.values(schema).length);
});

test('the migrations make what the schema says', async () => {
  const snapshots = (await readdir('db/migrations/meta')).filter((file) => file.endsWith('_snapshot.json')).toSorted();
  const newest: Parameters<typeof generateMigration>[0] = JSON.parse(
    await readFile(`db/migrations/meta/${snapshots.at(-1)}`, 'utf8'),
  );
  expect(await generateMigration(newest, generateDrizzleJson(schema, newest.id))).toEqual([]);
});

test('a database that is not there is `database-unavailable`', async () => {
  await expect(migrate('postgres://nobody:nothing@127.0.0.1:1/none')).rejects.toMatchObject({
    code: 'database-unavailable',
  });
});
