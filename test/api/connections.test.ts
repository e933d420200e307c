import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import { createPostgresRepositories } from '../../db/postgres-repositories.ts';
import { seal, unseal } from '../../db/connections/sealed-settings.ts';
import type { TestApi } from '../support/api.ts';
import { startTestApi } from '../support/api.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const webhook = { kind: 'webhook', url: 'https://hooks.example.com/T1/private-path', secret };

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

test('a connection is stored with its secret, and returned without it', async () => {
  const put = await api.send('admin', 'PUT /v1/connections/on-call', webhook);
  expect(put).toMatchObject({
    status: 200,
    body: { name: 'on-call', kind: 'webhook', target: 'https://hooks.example.com', project: 'default' },
  });
  for (const answer of [
    put,
    await api.send('admin', 'GET /v1/connections/on-call'),
    await api.send('admin', 'GET /v1/connections'),
  ]) {
    expect(answer.text).not.toContain(secret);
    expect(answer.text).not.toContain('private-path');
  }
  expect(await api.repositories.connections.settings('default', 'on-call', 'webhook')).toEqual(webhook);
});

test('the database holds no secret in plain text', async () => {
  await api.send('admin', 'PUT /v1/connections/warehouse', {
    kind: 'postgres',
    url: 'postgres://u:hunter2@db.example.com/w',
  });
  const client = new Client({ connectionString: api.database.url });
  await client.connect();
  const rows = JSON.stringify((await client.query('select * from connections')).rows);
  await client.end();
  expect(rows).toContain('db.example.com/w');
  expect(rows).not.toContain('hunter2');
});

test('a sealed secret opens only with the same installation secret and under the same name', async () => {
  const sealed = seal('one secret of thirty-two characters', 'text', 'connection a/b');
  expect(unseal('one secret of thirty-two characters', sealed, 'connection a/b')).toBe('text');
  expect(() => unseal('another secret of thirty-two chars.', sealed, 'connection a/b')).toThrow(
    'set the connection again',
  );
  expect(() => unseal('one secret of thirty-two characters', sealed, 'connection a/c')).toThrow('cannot be decrypted');
  const other = createPostgresRepositories({ url: api.database.url, clock: createSystemClock(), ids: createIdMaker() });
  try {
    await expect(other.connections.settings('default', 'on-call', 'webhook')).rejects.toMatchObject({
      code: 'invalid-setting',
    });
  } finally {
    await other.close();
  }
});

test('a removed connection and its secret are gone, and removing it again changes nothing', async () => {
  await api.send('admin', 'PUT /v1/connections/gone', webhook);
  expect((await api.send('admin', 'DELETE /v1/connections/gone')).status).toBe(204);
  expect((await api.send('admin', 'DELETE /v1/connections/gone')).status).toBe(204);
  expect((await api.send('admin', 'GET /v1/connections/gone')).status).toBe(404);
  expect(
    (await api.send('admin', 'GET /v1/connections')).body.items.map((item: { name: string }) => item.name),
  ).not.toContain('gone');
});

test('only administrators see or set connections, and a project does not see those of another', async () => {
  for (const who of ['viewer', 'operator', 'approver'] as const) {
    expect((await api.send(who, 'GET /v1/connections')).status).toBe(403);
    expect((await api.send(who, 'PUT /v1/connections/on-call', webhook)).status).toBe(403);
    expect((await api.send(who, 'DELETE /v1/connections/on-call')).status).toBe(403);
  }
  const elsewhere = { 'perennial-project': 'elsewhere' };
  expect((await api.send('admin', 'GET /v1/connections/on-call', undefined, elsewhere)).status).toBe(404);
});

test.each([
  ['an invalid Standard Webhooks secret', { ...webhook, secret: 'hunter2' }],
  ['an address that is not a web address', { ...webhook, url: 'file:///etc/passwd' }],
  ['an unknown kind', { kind: 'ftp', url: 'ftp://example.com' }],
  ['an unknown key', { ...webhook, colour: 'red' }],
  ['git with neither token nor key', { kind: 'git', url: 'https://example.com/r.git' }],
])('%s is refused', async (_what, body) => {
  const answer = await api.send('admin', 'PUT /v1/connections/bad', body);
  expect(answer.status).toBe(400);
  expect(answer.text).not.toContain('hunter2');
});

test('a connection of the wrong kind is an error that says so', async () => {
  await expect(api.repositories.connections.settings('default', 'on-call', 'postgres')).rejects.toMatchObject({
    code: 'conflict',
  });
});
