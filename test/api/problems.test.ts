import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PerennialError } from '../../contracts/errors.ts';
import { loseConnections } from '../support/postgres-of-tests.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, bikeInput, startTestApi } from '../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await applyBike(api);
});
afterAll(() => api.stop());

describe('a problem document', () => {
  test('is the response to every mistake', async () => {
    const { status, headers, body } = await api.send('viewer', 'GET /v1/models/absent');
    expect(status).toBe(404);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(body).toMatchObject({
      type: 'urn:perennial:error:not-found',
      title: expect.any(String),
      status: 404,
      code: 'not-found',
      detail: expect.stringContaining('absent'),
      instance: `urn:uuid:${String(headers['request-id'])}`,
    });
  });

  const json = { 'content-type': 'application/json' };
  test.each([
    ['POST /v1/models/bike/builds', '{"params":', json, ''],
    ['POST /v1/models/bike/builds', { params: 3 }, {}, '/params'],
    ['POST /v1/models/bike/builds', { asOf: 'yesterday' }, {}, '/asOf'],
    ['POST /v1/models/bike/builds', { dateset: 3 }, {}, '/dateset'],
    ['POST /v1/models/bike/builds', { 'a/b': 3 }, {}, '/a~1b'],
    ['POST /v1/models/bike/datasets', { files: [{ name: 'a', sha256: 'ABC', format: 'csv' }] }, {}, '/files/0/sha256'],
    [
      'POST /v1/models/bike/datasets',
      { files: [{ name: 'a', sha256: 'a'.repeat(64), format: 'xls' }] },
      {},
      '/files/0/format',
    ],
    [
      'POST /v1/models/bike/labels',
      [
        { id: 'a', value: 1 },
        { id: 'b', value: ['x'] },
      ],
      {},
      '/1/value',
    ],
    ['POST /v1/models/bike/rollback', {}, {}, '/reason'],
    ['POST /v1/models/bike/triggers', { kind: 'whim' }, {}, '/kind'],
    ['POST /v1/models/bike/reports', { window: 'a while' }, {}, '/window'],
    ['PUT /v1/models/bike/schedules/nightly', { cron: 'at midnight' }, {}, '/cron'],
    ['PUT /v1/models/bike/schedules/nightly', { cron: '61 3 * * *' }, {}, '/cron'],
    ['PUT /v1/models/bike/schedules/nightly', { cron: '0 3 * * *', timezone: 'Mars/Base' }, {}, '/timezone'],
    ['GET /v1/models?limit=0', undefined, {}, '/query/limit'],
    ['GET /v1/models?limit=201', undefined, {}, '/query/limit'],
    ['GET /v1/models/Not%20a%20name', undefined, {}, '/path/model'],
    ['GET /v1/models/bike/versions/zero', undefined, {}, '/path/version'],
    ['GET /v1/runs/not-an-id', undefined, {}, '/path/id'],
    ['GET /v1/models/bike/served?at=noon', undefined, {}, '/query/at'],
    ['GET /v1/models', undefined, { 'perennial-project': 'No Project' }, '/headers/perennial-project'],
  ] as const)('points to the invalid value: %s %j', async (request, body, headers, pointer) => {
    const answer = await api.send('operator', request, body, headers);
    expect({ status: answer.status, code: answer.body.code, pointer: answer.body.pointer ?? '' }).toEqual({
      status: 400,
      code: 'invalid-request',
      pointer,
    });
  });

  test('names an unsupported media type, and a body that is too large', async () => {
    expect(
      await api.send('operator', 'POST /v1/models/bike/builds', '<x/>', { 'content-type': 'application/xml' }),
    ).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    expect(
      await api.send('operator', 'POST /v1/models/bike/builds', { params: { a: 'x'.repeat(1_100_000) } }),
    ).toMatchObject({
      status: 413,
      body: { code: 'too-large', detail: expect.stringContaining('the limit is 1048576 bytes') },
    });
    expect(await api.send('operator', 'POST /v1/models/bike/builds', '{"__proto__":{"a":1}}', json)).toMatchObject({
      status: 400,
    });
  });

  test('reveals nothing internal after an unexpected error', async () => {
    const broken = await startTestApi();
    try {
      broken.repositories.ledger.list = () => Promise.reject(new Error('password=hunter2 at /srv/secret'));
      const { status, text, body } = await broken.send('viewer', 'GET /v1/ledger');
      expect({ status, code: body.code }).toEqual({ status: 500, code: 'internal' });
      expect(text).not.toMatch(/hunter2|secret/);
    } finally {
      await broken.stop();
    }
  });

  test('has status 503 and a retry time while the database is unreachable', async () => {
    const alone = await startTestApi();
    try {
      alone.repositories.models.list = () =>
        Promise.reject(new PerennialError('database-unavailable', 'Postgres does not answer'));
      expect(await alone.send('viewer', 'GET /v1/models')).toMatchObject({
        status: 503,
        headers: { 'retry-after': '1' },
        body: { code: 'database-unavailable' },
      });
    } finally {
      await alone.stop();
    }
  });

  test('ends after a restart of the database, because the API reconnects by itself', async () => {
    const shaken = await startTestApi();
    try {
      await shaken.send('viewer', 'GET /v1/models');
      await loseConnections(shaken.database);
      await expect
        .poll(async () => (await shaken.send('viewer', 'GET /v1/models')).status, { timeout: 10_000 })
        .toBe(200);
    } finally {
      await shaken.stop();
    }
  });
});

test.each([
  'GET /v1/runs?modl=bike',
  'GET /v1/ledger?knd=rollback',
  'GET /v1/approvals?stauts=pending',
  'GET /v1/models/bike/versions?enviroment=staging',
  'POST /v1/models/bike/rollback?enviroment=staging',
  'PUT /v1/models/bike?enviroment=staging',
])('%s is refused because of its unknown parameter, and changes nothing', async (route) => {
  const body = route.startsWith('PUT') ? bikeInput : route.startsWith('POST') ? { reason: 'mistyped' } : undefined;
  const { status, body: problem } = await api.send('operator', route, body);
  expect({ status, code: problem.code }).toEqual({ status: 400, code: 'invalid-request' });
  expect(problem.detail).toMatch(/modl|knd|stauts|enviroment/);
});

describe('perennial.yaml', () => {
  const yaml = { 'content-type': 'application/yaml' };
  const good = JSON.stringify(bikeInput, null, 2);

  test('with an unknown key is refused with the key, its line and the nearest known key', async () => {
    const { status, body } = await api.send(
      'operator',
      'PUT /v1/models/bike',
      good.replace('"target"', '"tagret"'),
      yaml,
    );
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid-configuration' });
    expect(body.detail).toMatch(/tagret/);
    expect(body.detail).toMatch(/line \d+/);
    expect(body.detail).toMatch(/target/);
  });

  test('of another model is refused', async () => {
    expect(await api.send('operator', 'PUT /v1/models/taxi', good, yaml)).toMatchObject({
      status: 400,
      body: { code: 'invalid-configuration', pointer: '/name' },
    });
  });

  test('with an invalid cron line changes nothing', async () => {
    const before = (await api.send('viewer', 'GET /v1/models/bike')).body.environment.configurationId;
    expect(
      await api.send('operator', 'PUT /v1/models/bike', { ...bikeInput, retrain: { schedule: '0 25 * * *' } }),
    ).toMatchObject({ status: 400, body: { pointer: '/retrain/schedule' } });
    expect((await api.send('viewer', 'GET /v1/models/bike')).body.environment.configurationId).toBe(before);
  });
});
