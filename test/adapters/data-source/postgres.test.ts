import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRemoteDataSource } from '../../../adapters/data-source/remote.ts';
import { createOutboundHosts } from '../../../adapters/outbound-hosts/checked.ts';
import { fetchingTo } from '../../support/fetching-to.ts';
import type { PerennialError } from '../../../contracts/errors.ts';
import type { TestDatabase } from '../../support/postgres-of-tests.ts';
import { createTestDatabase } from '../../support/postgres-of-tests.ts';

let database: TestDatabase;
let folder: string;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  folder = await mkdtemp(join(tmpdir(), 'perennial-postgres-'));
  client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query('create table hours (id bigint primary key, cnt integer not null)');
  await client.query('insert into hours select n, n % 7 from generate_series(1, 10000) n');
  await client.query(`create function sneak() returns integer language sql as $$ delete from hours returning 1 $$`);
});
afterAll(async () => {
  await client.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

function ask(query: string, options: { url?: string; statementTimeoutMs?: number; bytesAtMost?: number } = {}) {
  const hosts = createOutboundHosts({ allowPrivate: false });
  const { url = database.url, ...limits } = options;
  return createRemoteDataSource({ hosts, ...limits }).fetch(
    { postgres: { connection: 'warehouse', query } },
    fetchingTo(folder, { kind: 'postgres', url }),
  );
}

async function rows(query: string): Promise<string[]> {
  const [file] = await ask(query);
  return (await readFile(file!.path, 'utf8')).trimEnd().split('\n');
}

async function refusal(promise: Promise<unknown>): Promise<PerennialError> {
  return promise.then(
    () => {
      throw new Error('it was answered');
    },
    (caught: unknown) => caught as PerennialError,
  );
}

async function hoursLeft(): Promise<number> {
  return Number((await client.query<{ n: string }>('select count(*) as n from hours')).rows[0]?.n);
}

test('every type becomes its JSON equivalent, digit by digit', async () => {
  const [line] = await rows(`select 9007199254740993::bigint as big, 0.10::numeric as exact, 1.5::float8 as real,
    true as yes, null::integer as nothing, 'a "quoted" line' || chr(10) as text, date '2026-01-02' as day,
    timestamp '2026-01-02 03:04:05.678' as naive, timestamptz '2026-01-02 03:04:05+02' as instant,
    '{"a": 1}'::jsonb as json`);
  expect(line).toBe(
    '{"big":9007199254740993,"exact":0.10,"real":1.5,"yes":true,"nothing":null,"text":"a \\"quoted\\" line\\n",' +
      '"day":"2026-01-02","naive":"2026-01-02 03:04:05.678","instant":"2026-01-02T01:04:05Z","json":"{\\"a\\": 1}"}',
  );
});

test('more rows than fit in memory come in order, and the same query gives the same bytes', async () => {
  const query = 'select id, cnt from hours order by id';
  const first = await rows(query);
  expect(first).toHaveLength(10_000);
  expect(first.at(-1)).toBe('{"id":10000,"cnt":4}');
  expect(await rows(query)).toEqual(first);
});

test('the recorded origin has no user and no password', async () => {
  const [file] = await ask('select 1 as a');
  expect(file).toMatchObject({ name: 'rows.ndjson', format: 'ndjson', etag: null });
  expect(file!.from).not.toContain('@');
  expect(file!.from).toContain(new URL(database.url).pathname);
});

test.each([
  ['delete from hours', 'syntax error'],
  ['with gone as (delete from hours returning id) select * from gone', 'data-modifying'],
  ['select sneak() from hours', 'read-only transaction'],
  ['select 1 as a; commit; delete from hours', 'multiple commands'],
  ['select 1 as a; delete from hours', 'multiple commands'],
  [`select set_config('transaction_read_only', 'off', true), sneak()`, 'read-write mode'],
  ['select nothing from hours', 'column "nothing" does not exist'],
  ['selct 1', 'syntax error'],
])('%s changes nothing and is refused', async (query, message) => {
  const error = await refusal(ask(query));
  expect(error.code).toBe('source-refused');
  expect(error.message.toLowerCase()).toContain(message.toLowerCase());
  expect(await hoursLeft()).toBe(10_000);
});

test('a query that takes too long is ended', async () => {
  const error = await refusal(ask('select pg_sleep(30) is null as a', { statementTimeoutMs: 50 }));
  expect(error).toMatchObject({ code: 'limit-reached', message: expect.stringContaining('PERENNIAL_FETCH_TIMEOUT') });
});

test('a result over the limit, an empty one, and an invalid number are named', async () => {
  expect((await refusal(ask('select * from hours', { bytesAtMost: 1_000 }))).code).toBe('too-large');
  expect((await refusal(ask('select * from hours where false'))).code).toBe('data-empty');
  expect(await refusal(ask(`select 'NaN'::float8 as wind`))).toMatchObject({
    code: 'data-unreadable',
    message: expect.stringContaining('wind'),
  });
});

test('a missing server, or a wrong password, is reported without the password', async () => {
  const url = new URL(database.url);
  url.username = 'stranger';
  url.password = 'hunter2-hunter2';
  url.port = '1';
  const error = await refusal(ask('select 1 as a', { url: url.href }));
  expect(error.code).toBe('source-unavailable');
  expect(JSON.stringify([error.message, error.fields])).not.toContain('hunter2');
});
