import { sql } from '../../db/connection/orm.ts';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, query, transact } from '../../db/connection/connect.ts';
import { createRunRepository } from '../../db/runs/run-repository.ts';
import { models } from '../../db/models/model-tables.ts';
import { loseConnections } from '../support/postgres-of-tests.ts';
import { layDatabaseGround, type DatabaseGround } from './database-ground.ts';

let ground: DatabaseGround;

beforeAll(async () => {
  ground = await layDatabaseGround();
});

afterAll(() => ground?.end());

test('a missing server is `database-unavailable`', async () => {
  const db = connect('postgres://nobody:nothing@127.0.0.1:1/none');
  await expect(query(db, () => db.execute(sql`select 1`))).rejects.toMatchObject({
    code: 'database-unavailable',
    retryable: true,
  });
  await expect(transact(db, async () => {})).rejects.toMatchObject({ code: 'database-unavailable' });
  await db.$client.end();
});

test('a server that accepts the connection and never answers is `database-unavailable` within six seconds', async () => {
  const mute = createServer().listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const address = mute.address();
  const db = connect(
    `postgres://nobody:nothing@127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/none`,
  );
  const began = performance.now();
  await expect(query(db, () => db.execute(sql`select 1`))).rejects.toMatchObject({ code: 'database-unavailable' });
  expect(performance.now() - began).toBeLessThan(6_000);
  await db.$client.end();
  mute.close();
});

test('a connection lost within a transaction is `database-unavailable`, and the next call works in the same process', async () => {
  const { db } = ground.context;
  await expect(
    transact(db, async (tx) => {
      await tx.execute(sql`select 1`);
      await loseConnections(ground.database);
      await tx.execute(sql`select 1`);
    }),
  ).rejects.toMatchObject({ code: 'database-unavailable' });
  expect(await db.select().from(models)).toHaveLength(1);
});

test('lost idle connections are detected and replaced', async () => {
  const { db } = ground.context;
  await Promise.all(Array.from({ length: 5 }, () => db.execute(sql`select pg_sleep(0.01)`)));
  await loseConnections(ground.database);
  await expect.poll(() => db.$client.totalCount).toBe(0);
  expect(await db.select().from(models)).toHaveLength(1);
});

test('two deadlocked transactions both succeed in the end', async () => {
  const { db } = ground.context;
  await db.execute(sql`create table rivals (name text primary key, visits int not null)`);
  await db.execute(sql`insert into rivals values ('a', 0), ('b', 0)`);
  let together = 0;
  const both = Promise.withResolvers<void>();
  const visit = (first: string, second: string) =>
    transact(db, async (tx) => {
      await tx.execute(sql`update rivals set visits = visits + 1 where name = ${first}`);
      together += 1;
      if (together === 2) both.resolve();
      await both.promise;
      await tx.execute(sql`update rivals set visits = visits + 1 where name = ${second}`);
    });
  await Promise.all([visit('a', 'b'), visit('b', 'a')]);
  const { rows } = await db.execute(sql`select visits from rivals`);
  expect(rows).toEqual([{ visits: 2 }, { visits: 2 }]);
  expect(together).toBe(3);
});

test('conflicting serializable transactions are retried until they succeed', async () => {
  const { db } = ground.context;
  await db.execute(sql`create table tallies (n int not null)`);
  await db.execute(sql`insert into tallies values (0)`);
  const add = () =>
    transact(
      db,
      async (tx) => {
        const { rows } = await tx.execute<{ n: number }>(sql`select n from tallies`);
        await tx.execute(sql`update tallies set n = ${Number(rows[0]?.n) + 1}`);
      },
      { isolation: 'serializable' },
    );
  await Promise.all([add(), add(), add()]);
  expect((await db.execute(sql`select n from tallies`)).rows).toEqual([{ n: 3 }]);
});

test('a programming error is passed on unchanged', async () => {
  const { db } = ground.context;
  await expect(query(db, () => db.execute(sql`select nothing from nowhere`))).rejects.toMatchObject({
    cause: { code: '42P01' },
  });
});

test('a closed pool is `database-unavailable`', async () => {
  const db = connect(ground.database.url);
  await db.$client.end();
  await expect(createRunRepository({ ...ground.context, db }).get(ground.context.ids.next())).rejects.toMatchObject({
    code: 'database-unavailable',
  });
});
