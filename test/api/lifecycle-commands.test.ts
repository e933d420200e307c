import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TestApi } from '../support/api.ts';
import { bikeInput, startTestApi } from '../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());
let model = '';
let models = 0;
beforeEach(async () => {
  model = `bike-${(models += 1)}`;
  await api.send('operator', `PUT /v1/models/${model}`, {
    ...bikeInput,
    name: model,
    retrain: { schedule: '0 3 1 * *' },
  });
  api.temporal.calls.length = 0;
  api.temporal.away = false;
});

describe('collecting garbage', () => {
  test('is started by an administrator of everything, and visible to every viewer of everything', async () => {
    expect((await api.send('operator', 'POST /v1/gc', {})).status).toBe(403);
    const ofOneModel = await api.addKey('one-model', [{ role: 'admin', project: 'default', model }]);
    expect((await api.send(ofOneModel, 'POST /v1/gc', {})).status).toBe(403);
    expect((await api.send(ofOneModel, 'GET /v1/gc')).status).toBe(403);
    const begun = await api.send('admin', 'POST /v1/gc', { dryRun: true, grace: '2h' });
    expect(begun).toMatchObject({
      status: 202,
      body: { collection: { dryRun: true, graceMs: 7_200_000, state: 'running', putBefore: null } },
    });
    const { id } = begun.body.collection;
    expect(api.temporal.calls).toEqual([`collect ${id}`]);
    expect((await api.send('viewer', `GET /v1/gc/${id}`)).body).toEqual(begun.body.collection);
    expect((await api.send('viewer', 'GET /v1/gc')).body.items).toEqual([begun.body.collection]);
    expect((await api.send('viewer', `GET /v1/gc/${id}/blobs`)).body).toEqual({ items: [] });
    // Only one collection runs at a time, and a second request returns the one in progress.
    api.temporal.away = true;
    const again = await api.send('admin', 'POST /v1/gc', {});
    expect(again).toMatchObject({ status: 202, body: { collection: { id } } });
    await api.repositories.collections.end(id, null);
  });

  test('is started once per key, even if the key is sent again after its end', async () => {
    const begin = (body: object) => api.send('admin', 'POST /v1/gc', body, { 'idempotency-key': 'nightly' });
    const { status, body } = await begin({ dryRun: true });
    expect(status).toBe(202);
    const { id } = body.collection;
    // A request under another key returns the collection in progress.
    const other = { 'idempotency-key': 'by hand' };
    expect((await api.send('admin', 'POST /v1/gc', {}, other)).body.collection.id).toBe(id);
    await api.repositories.collections.end(id, null);
    expect((await begin({ dryRun: true })).body.collection).toMatchObject({ id, state: 'succeeded' });
    expect((await api.send('admin', 'POST /v1/gc', {}, other)).body.collection.id).toBe(id);
    expect(await begin({})).toMatchObject({ status: 409, body: { code: 'idempotency-conflict', collectionId: id } });
  });

  test('keeps blobs younger than an hour, whoever starts it', async () => {
    const refused = await api.send('admin', 'POST /v1/gc', { grace: '59m' });
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid-request', pointer: '/grace' } });
    expect((await api.send('admin', 'POST /v1/gc', { older: 1 })).status).toBe(400);
  });
});

describe('archiving a model', () => {
  test('pauses its schedules, wakes its lifecycle to end, and refuses new work', async () => {
    expect((await api.send('operator', `POST /v1/models/${model}/archive`, { reason: 'x' })).status).toBe(403);
    const archived = await api.send('admin', `POST /v1/models/${model}/archive`, { reason: 'closed' });
    expect(archived).toMatchObject({ status: 200, body: { model: { name: model }, environments: ['production'] } });
    expect(archived.body.model.archivedAt).not.toBeNull();
    expect(api.temporal.calls).toEqual([`set ${model}/production/retrain 0 3 1 * *`, `advance ${model}/production`]);
    expect((await api.send('viewer', `GET /v1/models/${model}/schedules/retrain`)).body.paused).toBe(true);
    const refused = { status: 409, body: { code: 'model-archived' } };
    expect(await api.send('operator', `POST /v1/models/${model}/triggers`, { kind: 'manual' })).toMatchObject(refused);
    expect(await api.send('operator', `PUT /v1/models/${model}`, { ...bikeInput, name: model })).toMatchObject(refused);
    expect((await api.send('viewer', `GET /v1/models/${model}`)).body.model.archivedAt).not.toBeNull();
    const names = async (query: string) =>
      (await api.send('viewer', `GET /v1/models${query}`)).body.items.map((item: { name: string }) => item.name);
    expect(await names('')).not.toContain(model);
    expect(await names('?archived=true')).toContain(model);
  });

  test('is undone by restoring, which leaves the schedules paused', async () => {
    await api.send('admin', `POST /v1/models/${model}/archive`, { reason: 'closed' });
    api.temporal.calls.length = 0;
    const restored = await api.send('admin', `POST /v1/models/${model}/restore`, { reason: 'open again' });
    expect(restored).toMatchObject({ status: 200, body: { model: { archivedAt: null } } });
    expect(api.temporal.calls).toEqual([`advance ${model}/production`]);
    expect((await api.send('viewer', `GET /v1/models/${model}/schedules/retrain`)).body.paused).toBe(true);
    expect((await api.send('operator', `POST /v1/models/${model}/triggers`, { kind: 'manual' })).status).toBe(202);
  });
});

test('triggers are listed with their status, and with what the next build waits for', async () => {
  const scope = await api.repositories.models.scope('default', model, 'production');
  await api.send('operator', `PUT /v1/models/${model}`, {
    ...bikeInput,
    name: model,
    retrain: { on: ['drift'], debounce: '10m', cooldown: '24h' },
  });
  const nothing = { start: [], build: null, deploy: [], passOver: [], supersede: [], cancel: [], monitor: false };
  await api.send('operator', `POST /v1/models/${model}/triggers`, { kind: 'drift', reason: 'temp moved' });
  await api.repositories.lifecycle.advance(scope, () => ({ ...nothing, dropTriggers: [], wakeAt: null }));
  const { body } = await api.send('viewer', `GET /v1/models/${model}/triggers`);
  expect(body.items).toMatchObject([{ kind: 'drift', reason: 'temp moved', status: 'pending', runId: null }]);
  expect(body.waits).toMatchObject([{ for: 'debounce' }]);
  expect(Date.parse(body.waits[0].until) - Date.parse(body.items[0].effectiveAt)).toBe(600_000);
});
