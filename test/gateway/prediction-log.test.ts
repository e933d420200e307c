import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { PerennialError } from '../../contracts/errors.ts';
import type { Signature } from '../../contracts/models/signature.ts';
import type { GatewayParts } from '../../gateway/start-gateway.ts';
import { logarithmModel } from '../support/onnx-models.ts';
import type { ServingGround, TestGateway } from '../support/serving-ground.ts';
import { inferBody, layServingGround, startTestGateway } from '../support/serving-ground.ts';

let ground: ServingGround;
let serving: TestGateway;

afterEach(async () => {
  await serving.close();
  await ground.stop();
});

async function serve(log: object, given: Partial<GatewayParts> = {}): Promise<void> {
  ground = await layServingGround({ serve: { log } });
  await ground.deploy({ bias: 100 });
  serving = await startTestGateway(ground, given);
}

function infer(rows: readonly (readonly number[])[] = [[1, 2]]) {
  return serving.ask('POST /v2/models/bike/infer', inferBody(rows));
}

function flush() {
  return serving.ask('POST /v1/flush', { project: 'default', model: 'bike', environment: 'production' });
}

function stored() {
  return ground.repositories.monitoring.segments(ground.scope, '2000-01-01T00:00:00.000Z', '2100-01-01T00:00:00.000Z');
}

const tenRows = Array.from({ length: 10 }, (_, row) => [row, row]);

test('a full log refuses requests if the model says so, and accepts them after an upload', async () => {
  await serve({ onFull: 'refuse' }, { logLimits: { bytes: 1_500 } });
  expect((await infer(tenRows)).status).toBe(200);
  const full = await infer(tenRows);
  expect(full.status).toBe(503);
  expect(full.headers.get('perennial-error')).toBe('model-unavailable');
  expect(full.body.error).toContain('serve.log.onFull is "refuse"');
  expect((await flush()).body).toEqual({ flushed: true });
  expect((await infer(tenRows)).status).toBe(200);
  expect(await stored()).toMatchObject([{ rows: 10 }]);
});

test('a full log drops rows and counts them if the model says so', async () => {
  await serve({ onFull: 'drop-counted' }, { logLimits: { bytes: 1_500 } });
  for (let i = 0; i < 3; i += 1) expect((await infer(tenRows)).status).toBe(200);
  await flush();
  expect(await stored()).toMatchObject([{ rows: 10, dropped: 20 }]);
  expect((await serving.ask('GET /metrics')).body).toContain(
    'perennial_prediction_log_dropped_total{project="default",model="bike",environment="production"} 20',
  );
});

test('with a sample of 0 nothing is logged, and requests are answered', async () => {
  await serve({ sample: 0 });
  expect((await infer(tenRows)).status).toBe(200);
  await flush();
  expect(await stored()).toEqual([]);
});

test('local files are removed only when the store and the database have the rows', async () => {
  await serve({});
  await infer(tenRows);
  const folder = join(ground.home, 'gateway', 'segments');
  expect((await readdir(folder)).filter((name) => name.endsWith('.blocks'))).toHaveLength(1);
  await flush();
  const [segment] = await stored();
  expect(await ground.objectStore.size(segment!.sha256)).toBeGreaterThan(0);
  expect(await readdir(folder)).toEqual([]);
  // A second flush has nothing new to upload.
  await flush();
  expect(await stored()).toHaveLength(1);
});

test('segments of JSON lines, which gateways up to 0.2 wrote, are uploaded after an upgrade', async () => {
  ground = await layServingGround();
  await ground.deploy({ bias: 100 });
  const folder = join(ground.home, 'gateway', 'segments');
  await mkdir(folder, { recursive: true });
  const { scope } = ground;
  const id = '01939a2e-7b3c-7000-8000-000000000001';
  const header = { schemaVersion: 1, id, gatewayId: id, scope, features: ['temp', 'hum'], dropped: 4 };
  await writeFile(join(folder, `${id}.json`), JSON.stringify(header));
  const record = {
    v: 1,
    id: 'logged-by-0.2',
    eventTime: '2024-12-01T00:00:00.000Z',
    recordedAt: '2024-12-01T00:00:00.000Z',
    release: 'a'.repeat(64),
    modelVersion: 1,
    generation: 1,
    role: 'champion',
    replay: false,
    features: { temp: 1, hum: null },
    prediction: 103,
  };
  await writeFile(join(folder, `${id}.ndjson`), `${JSON.stringify(record)}\n{"v":1,"id":"torn`);
  serving = await startTestGateway(ground);
  await flush();
  expect(await stored()).toMatchObject([{ id, rows: 1, dropped: 4 }]);
  expect(await ground.repositories.monitoring.hasUnknown(scope, [{ id: 'logged-by-0.2', value: 1 }])).toBe(false);
  expect(await readdir(folder)).toEqual([]);
});

test('a segment with a damaged block is set aside', async () => {
  ground = await layServingGround();
  await ground.deploy({ bias: 100 });
  const folder = join(ground.home, 'gateway', 'segments');
  await mkdir(folder, { recursive: true });
  const id = '01939a2e-7b3c-7000-8000-000000000002';
  const header = {
    schemaVersion: 2,
    id,
    gatewayId: id,
    scope: ground.scope,
    features: ['x'],
    kinds: ['number'],
    dropped: 0,
  };
  await writeFile(join(folder, `${id}.json`), JSON.stringify(header));
  await writeFile(join(folder, `${id}.blocks`), 'not a block of predictions');
  serving = await startTestGateway(ground);
  for (let i = 0; i < 5; i += 1) await flush();
  expect((await readdir(join(folder, 'unreadable'))).toSorted()).toEqual([`${id}.blocks`, `${id}.json`]);
  expect((await infer()).status).toBe(200);
});

test('a request id finds its predictions by row, and the id of no prediction is unknown', async () => {
  await serve({});
  const { monitoring } = ground.repositories;
  const label = (name: object) => monitoring.addLabels(ground.scope, [{ ...name, value: 103 }], ground.operator);
  const body = {
    ...inferBody([
      [1, 2],
      [3, 4],
    ]),
    id: 'order "7" 😀',
  };
  const answer = await serving.ask('POST /v2/models/bike/infer', body);
  expect(await monitoring.hasUnknown(ground.scope, [{ request: body.id, value: 1 }])).toBe(true);
  await flush();
  expect(await label({ request: body.id, row: 1 })).toMatchObject({ accepted: 1 });
  expect(await label({ request: body.id })).toMatchObject({ refused: 1 });
  const [, second] = answer.body.parameters.prediction_ids;
  expect(await label({ id: second })).toMatchObject({ repeated: 1, waiting: 0 });
  expect(await label({ id: 'absent' })).toMatchObject({ unknown: 1, waiting: 1 });
});

test('all rows of a large request are known after the upload', async () => {
  await serve({});
  const ids = Array.from({ length: 10_000 }, (_, row) => `row ${row} "😀"`);
  const body = inferBody(
    ids.map(() => [1, 2]),
    { prediction_ids: ids },
  );
  expect((await serving.ask('POST /v2/models/bike/infer', body)).status).toBe(200);
  await flush();
  expect(await stored()).toMatchObject([{ rows: 10_000 }]);
  const { monitoring } = ground.repositories;
  const labels = ids.map((id) => ({ id, value: 103 }));
  expect(await monitoring.hasUnknown(ground.scope, labels)).toBe(false);
  expect(await monitoring.hasUnknown(ground.scope, [...labels, { id: 'absent', value: 1 }])).toBe(true);
});

test('a label that arrives before its prediction is joined when the segment arrives', async () => {
  await serve({});
  const { monitoring } = ground.repositories;
  const labels = [{ id: 'early', value: '7.0' }];
  expect(await monitoring.addLabels(ground.scope, labels, ground.operator)).toMatchObject({ unknown: 1 });
  const parameters = { prediction_ids: ['early'] };
  await serving.ask('POST /v2/models/bike/infer', { ...inferBody([[1, 2]]), parameters });
  await flush();
  expect(await monitoring.labels(ground.scope, ['early'])).toMatchObject([{ value: 7 }]);
  expect(await monitoring.waitingLabels(ground.scope)).toBe(0);
});

test('old segments are uploaded without a request', async () => {
  await serve({}, { logLimits: { segmentAgeMs: 1 } });
  await infer(tenRows);
  await expect.poll(async () => (await stored()).map(({ rows }) => rows), { timeout: 15_000 }).toEqual([10]);
});

test('only an operator can flush the log', async () => {
  await serve({});
  const key = await ground.addKey('viewer', [{ role: 'viewer' }]);
  expect(
    (await serving.ask('POST /v1/flush', { project: 'default', model: 'bike', environment: 'production' }, { key }))
      .status,
  ).toBe(403);
  expect((await serving.ask('POST /v1/flush', { model: 'bike' })).status).toBe(400);
});

test('a request for which the model predicts NaN fails alone, the failure is counted, and the row is kept', async () => {
  ground = await layServingGround();
  const signature: Signature = {
    schemaVersion: 1,
    layout: 'matrix',
    inputName: 'x',
    inputs: [{ name: 'temp', type: 'FP32' }],
    output: { name: 'y', type: 'FP32' },
  };
  const { generation } = await ground.deployModel(logarithmModel(), signature);
  serving = await startTestGateway(ground);
  const ask = (value: number) => serving.ask('POST /invocations?model=bike', { inputs: { temp: [value] } });
  const answers = await Promise.all([ask(1), ask(-1), ask(1), ask(1)]);
  expect(answers.map(({ status }) => status)).toEqual([200, 500, 200, 200]);
  expect(answers[1]?.headers.get('perennial-error')).toBe('prediction-invalid');
  expect(answers[1]?.body.error).toContain('the model answers with NaN, which is not a finite number');
  await flush();
  expect(await ground.repositories.deployments.served(ground.scope, generation)).toMatchObject([
    { requests: 4, errors: 1 },
  ]);
  expect(await stored()).toMatchObject([{ rows: 4 }]);
});

test('a flush waits for the lease, because the database refuses counts without it', async () => {
  ground = await layServingGround();
  const { generation } = await ground.deploy({ bias: 100 });
  const may = Promise.withResolvers<void>();
  const { deployments } = ground.repositories;
  serving = await startWith({
    keepLease: async (gateway, until) => {
      await may.promise;
      await deployments.keepLease(gateway, until);
    },
  });
  expect((await infer()).status).toBe(200);
  const flushed = flush();
  // By then the counts have been refused once.
  await expect.poll(async () => (await stored()).length, { timeout: 20_000 }).toBe(1);
  may.resolve();
  expect((await flushed).body).toEqual({ flushed: true });
  expect(await deployments.served(ground.scope, generation)).toMatchObject([{ requests: 1, errors: 0 }]);
});

test('a flush fails if the database does not accept its counts', async () => {
  ground = await layServingGround();
  await ground.deploy({ bias: 100 });
  serving = await startWith({
    countServed: () => Promise.reject(new PerennialError('database-unavailable', 'the database is away', {})),
  });
  expect((await infer()).status).toBe(200);
  const refused = await flush();
  expect(refused.status).toBe(503);
  expect(refused.body.error).toContain('the database is away');
});

function startWith(changes: Partial<GatewayParts['repositories']['deployments']>): Promise<TestGateway> {
  const { deployments, principals, monitoring } = ground.repositories;
  return startTestGateway(ground, {
    repositories: { deployments: { ...deployments, ...changes }, principals, monitoring },
  });
}
