import { Client } from 'pg';
import { eq } from '../../db/connection/orm.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBlobRepository } from '../../db/blobs/blob-repository.ts';
import { createPrincipalRepository } from '../../db/principals/principal-repository.ts';
import { blobs } from '../../db/blobs/blob-tables.ts';
import { digestOf, layDatabaseGround, type DatabaseGround } from './database-ground.ts';

let ground: DatabaseGround;

beforeAll(async () => {
  ground = await layDatabaseGround();
});

afterAll(() => ground?.end());

test('twenty concurrent calls to ensure one principal get the same one, with every grant once', async () => {
  const principals = createPrincipalRepository(ground.context);
  const made = await Promise.all(
    Array.from({ length: 20 }, () => principals.ensure('lifecycle', 'service', [{ role: 'operator' }], null)),
  );
  expect(new Set(made.map((principal) => principal.id)).size).toBe(1);
  const widened = await principals.ensure(
    'lifecycle',
    'service',
    [{ role: 'approver', project: 'default', environment: 'staging' }],
    ground.by,
  );
  expect(widened.grants).toEqual([
    { role: 'operator' },
    { role: 'approver', project: 'default', environment: 'staging' },
  ]);
  expect(await principals.get(widened.id)).toEqual(widened);
  await expect(principals.ensure('lifecycle', 'person', [], null)).rejects.toMatchObject({ code: 'conflict' });
});

test('a name is unique: the same creation again returns the same principal, and another is a conflict', async () => {
  const principals = createPrincipalRepository(ground.context);
  const made = await principals.create('ada', 'person', [{ role: 'approver' }], ground.by);
  expect(await principals.create('ada', 'person', [{ role: 'approver' }], ground.by)).toEqual(made);
  await expect(principals.create('ada', 'person', [{ role: 'admin' }], ground.by)).rejects.toMatchObject({
    code: 'conflict',
  });
  expect((await principals.list({ limit: 1 })).items).toEqual([made]);
});

test('a key authenticates its principal until it is revoked', async () => {
  const principals = createPrincipalRepository(ground.context);
  const principal = await principals.create('grace', 'person', [{ role: 'viewer', project: 'default' }], ground.by);
  const hash = digestOf('key of grace');
  const key = await principals.addKey(principal.id, hash, 'laptop', ground.by);
  expect(await principals.addKey(principal.id, hash, 'laptop', ground.by)).toEqual(key);
  expect(await principals.authenticate(hash)).toEqual({ principal, expiresAt: null });
  expect(await principals.keys()).toContainEqual({ keyId: key.keyId, hash, principal, expiresAt: null });
  await expect(principals.addKey(ground.by, hash, 'stolen', ground.by)).rejects.toMatchObject({ code: 'conflict' });
  await principals.revokeKey(principal.id, key.keyId, ground.by);
  await principals.revokeKey(principal.id, key.keyId, ground.by);
  expect(await principals.authenticate(hash)).toBeUndefined();
  expect(await principals.keys()).toEqual([]);
  await principals.addKey(principal.id, hash, 'laptop', ground.by);
  expect(await principals.authenticate(hash)).toBeUndefined();
});

test('a key with an expiry authenticates its principal until it expires', async () => {
  const principals = createPrincipalRepository(ground.context);
  const principal = await principals.create('joan', 'person', [], ground.by);
  const [past, future] = ['2020-01-01T00:00:00.000Z', '2100-01-01T00:00:00.000Z'];
  await principals.addKey(principal.id, digestOf('past'), '', ground.by, past);
  await principals.addKey(principal.id, digestOf('future'), '', ground.by, future);
  expect(await principals.authenticate(digestOf('past'))).toBeUndefined();
  expect(await principals.authenticate(digestOf('future'))).toEqual({ principal, expiresAt: future });
  const known = (await principals.keys()).filter((record) => record.principal.id === principal.id);
  expect(known.map(({ hash, expiresAt }) => ({ hash, expiresAt }))).toEqual([
    { hash: digestOf('future'), expiresAt: future },
  ]);
});

test('an unknown key belongs to nobody, and a key for an unknown principal is `not-found`', async () => {
  const principals = createPrincipalRepository(ground.context);
  expect(await principals.authenticate(digestOf('guess'))).toBeUndefined();
  await expect(principals.addKey(ground.context.ids.next(), digestOf('x'), 'x', null)).rejects.toMatchObject({
    code: 'not-found',
  });
  await expect(principals.revokeKey(ground.by, ground.context.ids.next(), ground.by)).rejects.toMatchObject({
    code: 'not-found',
  });
  await expect(principals.get(ground.context.ids.next())).rejects.toMatchObject({ code: 'not-found' });
});

test('listeners are notified of a new key, a new grant and a revocation', async () => {
  const principals = createPrincipalRepository(ground.context);
  const listener = new Client({ connectionString: ground.database.url });
  await listener.connect();
  try {
    const told: string[] = [];
    await listener.query('listen perennial_serving');
    listener.on('notification', (notification) => told.push(notification.payload ?? ''));
    const principal = await principals.create('told', 'service', [{ role: 'viewer' }], ground.by);
    const key = await principals.addKey(principal.id, digestOf('told'), 'told', ground.by);
    await principals.revokeKey(principal.id, key.keyId, ground.by);
    await expect.poll(() => told).toEqual(['grants', 'api_keys', 'api_keys']);
  } finally {
    await listener.end();
  }
});

test('a blob is recorded once, and its lease is only ever extended', async () => {
  const { context, by } = ground;
  const repository = createBlobRepository(context);
  const sha256 = digestOf('bytes');
  expect(await repository.has('default', sha256)).toBe(false);
  await repository.record('default', { sha256, bytes: 5, leaseUntil: '2030-01-02T00:00:00.000Z' }, by);
  await repository.record('default', { sha256, bytes: 5, leaseUntil: '2030-01-01T00:00:00.000Z' }, by);
  expect(await repository.has('default', sha256)).toBe(true);
  expect(await repository.has('other', sha256)).toBe(false);
  const [row] = await context.db.select().from(blobs).where(eq(blobs.sha256, sha256));
  expect(row).toMatchObject({ bytes: 5, leaseUntil: new Date('2030-01-02T00:00:00.000Z') });
});
