import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'minio';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRemoteDataSource } from '../../../adapters/data-source/remote.ts';
import { createOutboundHosts } from '../../../adapters/outbound-hosts/checked.ts';
import type { S3Connection } from '../../../contracts/access/connection.ts';
import type { PerennialError } from '../../../contracts/errors.ts';
import type { RunningMinio } from '../../support/minio.ts';
import { fetchingTo } from '../../support/fetching-to.ts';
import { startMinio } from '../../support/minio.ts';

let minio: RunningMinio;
let folder: string;
let connection: S3Connection;

beforeAll(async () => {
  minio = await startMinio();
  folder = await mkdtemp(join(tmpdir(), 'perennial-objects-'));
  const { endpoint, accessKey, secretKey } = minio;
  connection = { kind: 's3', endpoint, bucket: 'warehouse', accessKey, secretKey, region: 'us-east-1' };
  const { hostname, port } = new URL(endpoint);
  const client = new Client({ endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey });
  await client.makeBucket('warehouse');
  for (const [key, text] of [
    ['hours/2026-02/rows.csv', 'a\n2\n'],
    ['hours/2026-01/rows.csv', 'a\n1\n'],
    ['hours/', ''],
    ['other/rows.csv', 'a\n3\n'],
    ['odd/rows.xlsx', 'PK'],
  ] as const)
    await client.putObject('warehouse', key, Buffer.from(text));
});
afterAll(async () => {
  await minio.stop();
  await rm(folder, { recursive: true, force: true });
});

function fetch(source: { key?: string; prefix?: string; connection?: S3Connection; bytesAtMost?: number }) {
  const hosts = createOutboundHosts({ allowPrivate: false });
  const { bytesAtMost, connection: store = connection, ...named } = source;
  return createRemoteDataSource({ hosts, bytesAtMost }).fetch(
    { s3: { connection: 'warehouse', ...named } },
    fetchingTo(folder, store),
  );
}

async function refusal(promise: Promise<unknown>): Promise<PerennialError> {
  return promise.then(
    () => {
      throw new Error('it was fetched');
    },
    (caught: unknown) => caught as PerennialError,
  );
}

test('all objects under a prefix come in the order of their keys, with etags and without the console’s folder objects', async () => {
  const files = await fetch({ prefix: 'hours/' });
  expect(files.map(({ name }) => name)).toEqual(['hours/2026-01/rows.csv', 'hours/2026-02/rows.csv']);
  expect(await Promise.all(files.map(({ path }) => readFile(path, 'utf8')))).toEqual(['a\n1\n', 'a\n2\n']);
  expect(files[0]).toMatchObject({ format: 'csv', bytes: 4, from: 's3://warehouse/hours/2026-01/rows.csv' });
  expect(files[0]!.etag).toMatch(/^[0-9a-f]{32}$/);
});

test('a key names exactly one object', async () => {
  expect((await fetch({ key: 'other/rows.csv' })).map(({ name }) => name)).toEqual(['other/rows.csv']);
});

test('an object that is missing, too large or of no known format is named', async () => {
  expect((await refusal(fetch({ prefix: 'nothing/' }))).code).toBe('data-empty');
  expect((await refusal(fetch({ key: 'nothing.csv' }))).code).toBe('source-unavailable');
  expect((await refusal(fetch({ prefix: 'hours/', bytesAtMost: 6 }))).code).toBe('too-large');
  expect((await refusal(fetch({ prefix: 'odd/' }))).code).toBe('data-unreadable');
});

test('a wrong key of the store is reported without the key', async () => {
  const error = await refusal(
    fetch({ prefix: 'hours/', connection: { ...connection, secretKey: 'wrong-wrong-wrong' } }),
  );
  expect(error.code).toBe('source-unavailable');
  expect(JSON.stringify([error.message, error.fields])).not.toContain('wrong-wrong');
});
