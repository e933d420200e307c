import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Scope } from '../../contracts/identifiers.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, bikeInput, startTestApi } from '../support/api.ts';
import { seedGeneration } from '../support/seed-generation.ts';
import { beginRun, seedApproval, seedCode, seedDataset, seedVersion } from '../support/seed-candidate.ts';

let api: TestApi;
let scope: Scope;
beforeAll(async () => {
  api = await startTestApi();
  scope = await applyBike(api);
});
afterAll(() => api.stop());
beforeEach(() => {
  api.temporal.calls.length = 0;
  api.temporal.away = false;
});

describe('a model', () => {
  test('is applied from YAML or JSON, and applying the same configuration again creates no version', async () => {
    const input = { ...bikeInput, name: 'taxi' };
    const first = await api.send('operator', 'PUT /v1/models/taxi', stringify(input), {
      'content-type': 'application/yaml',
    });
    expect(first).toMatchObject({
      status: 200,
      body: {
        changed: true,
        environment: 'production',
        model: { name: 'taxi', task: 'regression' },
        configuration: { number: 1, configuration: { name: 'taxi', build: { metric: 'rmse' } } },
      },
    });
    const again = await api.send('operator', 'PUT /v1/models/taxi', input);
    expect(again.body).toMatchObject({ changed: false, configuration: { id: first.body.configuration.id } });
    expect((await api.send('viewer', 'GET /v1/models/taxi')).body).toMatchObject({
      model: { name: 'taxi' },
      environment: { datasetVersionId: null, generation: 0 },
      configuration: { number: 1 },
    });
    expect((await api.send('operator', 'PUT /v1/models/taxi?environment=staging', input)).body.environment).toBe(
      'staging',
    );
  });

  test('with a retraining schedule gets a Temporal schedule, and loses it when the key is removed', async () => {
    const input = { ...bikeInput, name: 'scheduled' };
    await api.send('operator', 'PUT /v1/models/scheduled', { ...input, retrain: { schedule: '0 3 1 * *' } });
    expect(api.temporal.calls).toEqual(['set scheduled/production/retrain 0 3 1 * *', 'advance scheduled/production']);
    expect((await api.send('viewer', 'GET /v1/models/scheduled/schedules/retrain')).body).toMatchObject({
      cron: '0 3 1 * *',
      timezone: 'America/New_York',
      nextRuns: expect.arrayContaining([expect.stringMatching(/-01T0[78]:00:00\.000Z$/)]),
    });
    const paused = { cron: '0 3 1 * *', timezone: 'America/New_York', paused: true };
    await api.send('operator', 'PUT /v1/models/scheduled/schedules/retrain', paused);
    await api.send('operator', 'PUT /v1/models/scheduled', { ...input, retrain: { schedule: '0 4 1 * *' } });
    expect((await api.send('viewer', 'GET /v1/models/scheduled/schedules/retrain')).body).toMatchObject({
      cron: '0 4 1 * *',
      paused: true,
    });
    await api.send('operator', 'PUT /v1/models/scheduled', input);
    expect(api.temporal.calls).toContain('remove scheduled/production/retrain');
    expect((await api.send('viewer', 'GET /v1/models/scheduled/schedules/retrain')).status).toBe(404);
  });
});

describe('a schedule', () => {
  const url = '/v1/models/bike/schedules/nightly';
  test('is set, read, listed and removed', async () => {
    const put = await api.send('operator', `PUT ${url}`, { cron: '0 3 * * *', timezone: 'Europe/Berlin' });
    expect(put).toMatchObject({
      status: 200,
      body: {
        name: 'nightly',
        cron: '0 3 * * *',
        timezone: 'Europe/Berlin',
        paused: false,
        overlap: 'skip',
        note: null,
        lastFiredAt: null,
      },
    });
    expect(put.body.nextRuns).toHaveLength(5);
    for (const at of put.body.nextRuns)
      expect(new Date(at).toLocaleTimeString('sv', { timeZone: 'Europe/Berlin' })).toBe('03:00:00');
    expect((await api.send('viewer', `GET ${url}`)).body).toEqual(put.body);
    expect((await api.send('viewer', 'GET /v1/models/bike/schedules')).body.items).toEqual([put.body]);
    expect((await api.send('operator', `DELETE ${url}`)).status).toBe(204);
    expect((await api.send('viewer', `GET ${url}`)).status).toBe(404);
    expect((await api.send('operator', `DELETE ${url}`)).status).toBe(204);
  });

  test('may be given by a name, and the response warns about common misreadings', async () => {
    const set = (cron: string) => api.send('operator', `PUT ${url}`, { cron });
    expect((await set('@monthly')).body).toMatchObject({ cron: '0 0 1 * *', note: null });
    expect((await set('0 3 1 * MON')).body.note).toContain('both');
    expect(await set('0 0 30 2 *')).toMatchObject({ status: 400, body: { code: 'invalid-request', pointer: '/cron' } });
    expect((await set('@every 5m')).body).toMatchObject({ cron: '*/5 * * * *' });
    expect((await set('@every 7m')).body.detail).toContain('*/5 * * * *');
  });

  test('set while Temporal is unreachable is sent when it is reachable again', async () => {
    const patient = await startTestApi({ dispatchEveryMs: 50 });
    try {
      await applyBike(patient);
      patient.temporal.away = true;
      expect(await patient.send('operator', `PUT ${url}`, { cron: '0 4 * * *' })).toMatchObject({
        status: 200,
        body: { cron: '0 4 * * *', nextRuns: expect.any(Array) },
      });
      patient.temporal.away = false;
      await expect
        .poll(() => patient.temporal.calls, { timeout: 5_000 })
        .toContain('set bike/production/nightly 0 4 * * *');
    } finally {
      await patient.stop();
    }
  });
});

describe('versions', () => {
  test('are returned with evaluation and lineage', async () => {
    const { version, evaluation } = await seedVersion(api.repositories, scope, api.principals.operator, { seed: 1 });
    const list = await api.send('viewer', 'GET /v1/models/bike/versions');
    expect(list.body.items[0]).toMatchObject({
      number: version.number,
      artifact: version.artifact,
      evaluation: { id: evaluation.id, body: { verdict: 'candidate' } },
    });
    const one = await api.send('viewer', `GET /v1/models/bike/versions/${version.number}`);
    expect(one.body).toMatchObject({
      number: version.number,
      evaluations: [{ id: evaluation.id }],
      lineage: {
        dataset: { id: version.datasetVersionId, number: 1 },
        code: { id: version.codeVersionId, number: 1 },
        configuration: { id: version.configurationId, number: 1 },
      },
    });
    expect((await api.send('viewer', 'GET /v1/models/bike/datasets')).body.items[0]).toMatchObject({
      id: version.datasetVersionId,
      number: 1,
    });
    expect((await api.send('viewer', 'GET /v1/models/bike/datasets/1')).body).toMatchObject({
      number: 1,
      profile: { schemaVersion: 1 },
    });
    expect((await api.send('viewer', 'GET /v1/models/bike/code')).body.items).toHaveLength(1);
    expect((await api.send('viewer', 'GET /v1/models/bike/code/1')).body).toMatchObject({ number: 1 });
    expect((await api.send('viewer', 'GET /v1/models/bike/datasets/99')).status).toBe(404);
  });
});

describe('deployments', () => {
  test('are empty before the first one, and then show what serves, since when and by whom', async () => {
    const fresh = await applyBike(api, 'staging');
    expect((await api.send('viewer', 'GET /v1/models/bike/deployments?environment=staging')).body).toMatchObject({
      generation: null,
      hold: null,
      history: [],
    });
    expect((await api.send('viewer', 'GET /v1/models/bike/served?environment=staging')).body).toMatchObject({
      decided: null,
      observed: [],
    });
    const seeded = await seedVersion(api.repositories, fresh, api.principals.operator, { seed: 2 });
    const by = api.principals.operator;
    const { release, runId } = await seedApproval(api.repositories, fresh, by, seeded);
    await seedGeneration(api.context, fresh, { releaseId: release.id, runId, by });
    const { body } = await api.send('viewer', 'GET /v1/models/bike/deployments?environment=staging');
    expect(body).toMatchObject({
      generation: { generation: 1, slots: [{ role: 'champion', weight: 100, releaseDigest: release.digest }] },
      history: [{ generation: 1 }],
    });
    const served = await api.send('viewer', 'GET /v1/models/bike/served?environment=staging');
    expect(served.body.decided).toMatchObject({
      generation: 1,
      reason: 'a test',
      decidedBy: { name: 'operator' },
      releases: [{ digest: release.digest }],
    });
    expect(
      (await api.send('viewer', 'GET /v1/models/bike/served?environment=staging&at=2001-01-01T00:00:00Z')).body.decided,
    ).toBeNull();
  });

  test("are rolled back by a release's digest, with heads that exist", async () => {
    expect(
      await api.send('operator', 'POST /v1/models/bike/rollback', { reason: 'bad', with: ['weather'] }),
    ).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    expect(
      await api.send('operator', 'POST /v1/models/bike/rollback', { reason: 'bad', to: 'e'.repeat(64) }),
    ).toMatchObject({ status: 404 });
    expect(
      await api.send('operator', 'POST /v1/models/bike/rollback', { reason: 'bad', environment: 'staging' }),
    ).toMatchObject({
      status: 202,
      body: { run: { environment: 'staging', request: { kind: 'rollback', reason: 'bad' } } },
    });
  });
});

describe('principals', () => {
  test('are created and given keys, which are shown once and work immediately', async () => {
    const made = await api.send('admin', 'POST /v1/principals', {
      name: 'ci',
      kind: 'service',
      grants: [{ role: 'operator', project: 'default', model: 'bike' }],
    });
    expect(made).toMatchObject({ status: 201, body: { name: 'ci', kind: 'service' } });
    const key = await api.send('admin', `POST /v1/principals/${made.body.id}/keys`, { label: 'laptop' });
    expect(key.status).toBe(201);
    expect(key.body.key).toMatch(/^perennial_[\w-]{43}$/);
    expect((await api.send({ key: key.body.key }, 'GET /v1/models/bike')).status).toBe(200);
    const list = await api.send('admin', 'GET /v1/principals?limit=200');
    expect(list.body.items.map(({ name }: { name: string }) => name)).toContain('ci');
    expect(list.text).not.toContain(key.body.key);
    expect((await api.send('admin', `DELETE /v1/principals/${made.body.id}/keys/${key.body.keyId}`)).status).toBe(204);
    await expect
      .poll(async () => (await api.send({ key: key.body.key }, 'GET /v1/models/bike')).status, { timeout: 3_000 })
      .toBe(401);
  });

  test('have unique names: the same creation again returns the same principal, and one with other grants is a conflict', async () => {
    const body = { name: 'twice', kind: 'person', grants: [] };
    const first = await api.send('admin', 'POST /v1/principals', body);
    expect((await api.send('admin', 'POST /v1/principals', body)).body).toEqual(first.body);
    expect(await api.send('admin', 'POST /v1/principals', { ...body, grants: [{ role: 'admin' }] })).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    });
  });
});

test('an environment’s minimum policy is set by an administrator and visible to everybody', async () => {
  const minimumPolicy = { votes: 2, roles: ['approver'], requesterMayVote: false, expires: '24h' };
  expect(await api.send('admin', 'PUT /v1/environments/production', { minimumPolicy })).toMatchObject({
    status: 200,
    body: { name: 'production', clock: 'wall', minimumPolicy },
  });
  expect((await api.send('viewer', 'GET /v1/environments')).body.items).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: 'production', minimumPolicy })]),
  );
});

describe('a rehearsal', () => {
  const asked = { from: '2011-07', to: '2012-12', every: 'month' };

  test('needs data and code', async () => {
    await applyBike(api, 'bare');
    const bare = (body = asked) => api.send('operator', 'POST /v1/models/bike/rehearsals?environment=bare', body);
    expect(await bare()).toMatchObject({ status: 422, body: { code: 'no-data' } });
    const bareScope = await api.repositories.models.scope('default', 'bike', 'bare');
    await seedDataset(api.repositories, bareScope, api.principals.operator);
    expect(await bare()).toMatchObject({ status: 422, body: { code: 'no-code' } });
    await seedCode(api.repositories, bareScope, api.principals.operator, 'f'.repeat(64));
    expect((await bare()).status).toBe(202);
  });

  test('covers whole months in the model’s zone, and begins in a new environment', async () => {
    await seedDataset(api.repositories, scope, api.principals.operator);
    await seedCode(api.repositories, scope, api.principals.operator, 'f'.repeat(64));
    const { status, body } = await api.send('operator', 'POST /v1/models/bike/rehearsals', asked, {
      'idempotency-key': 'rehearse',
    });
    expect(status).toBe(202);
    expect(body.rehearsal).toMatchObject({
      metric: 'rmse',
      plan: {
        from: '2011-07-01T04:00:00.000Z',
        to: '2013-01-01T05:00:00.000Z',
        every: 'month',
        sourceEnvironment: 'production',
      },
      summary: null,
    });
    expect(body.rehearsal.environment).toMatch(/^rehearsal-[0-9a-f]{8}$/);
    expect(body.run).toMatchObject({
      id: body.rehearsal.runId,
      environment: body.rehearsal.environment,
      request: { kind: 'rehearsal' },
    });
    expect(api.temporal.calls).toContain(`advance bike/${body.rehearsal.environment}`);
    expect((await api.send('viewer', `GET /v1/rehearsals/${body.rehearsal.id}`)).body).toEqual(body.rehearsal);
    expect((await api.send('viewer', 'GET /v1/models/bike/rehearsals')).body.items).toEqual(
      expect.arrayContaining([expect.objectContaining({ id: body.rehearsal.id })]),
    );
    const again = await api.send('operator', 'POST /v1/models/bike/rehearsals', asked, {
      'idempotency-key': 'rehearse',
    });
    expect(again.body.rehearsal.id).toBe(body.rehearsal.id);
    expect(
      await api.send(
        'operator',
        'PUT /v1/models/bike/schedules/nightly?environment=' + String(body.rehearsal.environment),
        { cron: '0 3 * * *' },
      ),
    ).toMatchObject({ status: 409 });
  });

  test.each([
    [{ ...asked, from: 'last summer' }, '/from'],
    [{ ...asked, from: '2011-07-02' }, '/from'],
    [{ ...asked, to: '2011-06' }, '/to'],
    [{ ...asked, every: 'year' }, '/every'],
    [{ ...asked, every: 'day', to: '2099-12' }, '/to'],
    [{ ...asked, every: 'week', to: '2011-07-09' }, '/to'],
  ])('of %j is refused', async (body, pointer) => {
    expect(await api.send('operator', 'POST /v1/models/bike/rehearsals', body)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', pointer },
    });
  });
});

test('the ledger lists who decided what, newest first', async () => {
  await beginRun(
    api.repositories,
    scope,
    { kind: 'build', schemaVersion: 1, asOf: '2012-01-01T00:00:00.000Z', automated: false },
    api.principals.operator,
  );
  const { status, body } = await api.send('viewer', 'GET /v1/ledger?model=bike&limit=200');
  expect(status).toBe(200);
  expect(body.items.map(({ kind }: { kind: string }) => kind)).toContain('model.applied');
  expect(body.items[0].principalName).toEqual(expect.any(String));
  const applied = await api.send('viewer', 'GET /v1/ledger?model=bike&kind=model.applied');
  expect(new Set(applied.body.items.map(({ kind }: { kind: string }) => kind))).toEqual(new Set(['model.applied']));
});

test('metrics are in the Prometheus format, by route and not by path', async () => {
  await api.send('viewer', 'GET /v1/models/bike');
  const { text, headers } = await api.send('viewer', 'GET /metrics');
  expect(headers['content-type']).toMatch(/^text\/plain/);
  expect(text).toMatch(
    /http_request_duration_seconds_count\{method="GET",route="\/v1\/models\/:model",status="200"\} \d+/,
  );
  expect(text).toMatch(/perennial_pending_command_scopes \d+/);
});

test('readiness names the weakest isolation among live workers', async () => {
  const { workers } = api.repositories;
  const sandbox = async () => (await api.send(null, 'GET /readyz')).body.sandbox;
  const kinds = ['bubblewrap', 'refused', 'process-group'] as const;
  const ids = kinds.map(() => api.ids.next());
  for (const [at, kind] of kinds.entries()) {
    const isolation = { kind, reason: null, memory: 'polling', publicNetwork: null } as const;
    await workers.announce({ id: ids[at]!, host: 'here', isolation, startedAt: new Date().toISOString() });
    expect(await sandbox()).toBe(kind);
  }
  for (const id of ids) await workers.leave(id);
  expect(await sandbox()).toBe('unknown');
});

test('readiness names each dependency', async () => {
  expect(await api.send(null, 'GET /readyz')).toMatchObject({
    status: 200,
    body: {
      status: 'ready',
      dependencies: { database: 'up', objectStore: 'up', temporal: 'up' },
      disk: 'well',
      sandbox: 'unknown',
    },
  });
  expect(await api.send(null, 'GET /healthz')).toMatchObject({ status: 200, body: { status: 'alive' } });
});
