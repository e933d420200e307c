import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createHttpGateways } from '../../adapters/gateways/http.ts';
import type { Signature } from '../../contracts/models/signature.ts';
import type { Gateways, InferenceRow } from '../../ports/gateways.ts';
import { logarithmModel } from '../support/onnx-models.ts';
import type { ServingGround, TestGateway } from '../support/serving-ground.ts';
import { layServingGround, startTestGateway } from '../support/serving-ground.ts';

let ground: ServingGround;
const servings: TestGateway[] = [];

beforeEach(async () => {
  ground = await layServingGround();
});
afterEach(async () => {
  for (const serving of servings.splice(0)) await serving.close();
  await ground.stop();
});

async function start(): Promise<TestGateway> {
  const serving = await startTestGateway(ground);
  servings.push(serving);
  await expect
    .poll(async () => (await ground.repositories.deployments.liveGateways()).map(({ address }) => address), {
      timeout: 10_000,
    })
    .toContain(serving.gateway.address);
  return serving;
}

function gatewaysOf(retryForMs?: number): Gateways {
  return createHttpGateways({
    liveGateways: () => ground.repositories.deployments.liveGateways(),
    key: () => ground.key,
    clock: createSystemClock(),
    retryForMs,
  });
}

function rowsOf(count: number, prefix = 'row'): InferenceRow[] {
  return Array.from({ length: count }, (_, i) => ({ id: `${prefix}-${i}`, features: { temp: i, hum: 1 } }));
}

async function stored(
  scope = ground.scope,
): Promise<{ readonly segments: number; readonly rows: number; readonly from?: string; readonly to?: string }> {
  const segments = await ground.repositories.monitoring.segments(
    scope,
    '2000-01-01T00:00:00.000Z',
    '2100-01-01T00:00:00.000Z',
  );
  return {
    segments: segments.length,
    rows: segments.reduce((sum, segment) => sum + segment.rows, 0),
    from: segments[0]?.from,
    to: segments[0]?.to,
  };
}

test('each row is a request of its own, and after a flush the store has all of them', async () => {
  const { generation } = await ground.deploy({ bias: 1 });
  await start();
  const gateways = gatewaysOf();
  expect(await gateways.send(ground.scope, rowsOf(500), { key: ground.key, concurrency: 16 })).toEqual({
    answered: 500,
    unanswered: 0,
    refused: [],
  });
  await gateways.flush(ground.scope);
  expect((await stored()).rows).toBe(500);
  const [count] = await ground.repositories.deployments.served(ground.scope, generation);
  expect(count?.requests).toBe(500);
});

test('rows of a rehearsal have their own times', async () => {
  const scope = await ground.rehearsal('rehearsal-two');
  await ground.deploy({ bias: 1, scope });
  await start();
  const key = await ground.addKey('rehearsal-two', [
    { role: 'approver', project: 'default', environment: 'rehearsal-two' },
  ]);
  const rows = rowsOf(10).map((row, i) => ({ ...row, eventTime: `2012-03-0${(i % 9) + 1}T00:00:00.000Z` }));
  await gatewaysOf().send(scope, rows, { key, concurrency: 4, replayAs: 'champion' });
  await gatewaysOf().flush(scope);
  expect(await stored(scope)).toEqual({
    segments: 1,
    rows: 10,
    from: '2012-03-01T00:00:00.000Z',
    to: '2012-03-09T00:00:00.000Z',
  });
});

test('a row with a value that the gateway refuses is reported by feature, and the rows after it are still sent', async () => {
  await ground.deploy({ bias: 1 });
  await start();
  const rows: InferenceRow[] = [
    { id: 'wrong', features: { temp: 'warm', hum: 1 } },
    { id: 'missing', features: { temp: 1, hum: null } },
    ...rowsOf(3),
  ];
  expect(await gatewaysOf().send(ground.scope, rows, { key: ground.key, concurrency: 1 })).toEqual({
    answered: 3,
    unanswered: 0,
    refused: [
      {
        id: 'wrong',
        feature: 'temp',
        reason: expect.stringContaining('feature "temp": expected datatype FP32, got BYTES'),
      },
      { id: 'missing', feature: 'hum', reason: expect.stringContaining('feature "hum", row 0 has no value') },
    ],
  });
  await gatewaysOf().flush(ground.scope);
  expect((await stored()).rows).toBe(3);
});

test("an error that affects all rows fails at once with the gateway's message", async () => {
  await ground.deploy({ bias: 1 });
  await start();
  const strange: InferenceRow = { id: 'strange', features: { temp: 1, hum: 1, wind: 2 } };
  await expect(gatewaysOf().send(ground.scope, [strange], { key: ground.key, concurrency: 1 })).rejects.toMatchObject({
    code: 'invalid-request',
    message: expect.stringContaining('unknown input "wind"'),
  });
  await expect(gatewaysOf().send(ground.scope, rowsOf(3), { key: 'nobody', concurrency: 2 })).rejects.toMatchObject({
    code: 'unauthenticated',
  });
  await expect(
    gatewaysOf().send({ ...ground.scope, model: 'taxi' }, rowsOf(1), { key: ground.key, concurrency: 1 }),
  ).rejects.toMatchObject({ code: 'not-found' });
});

test('a row without a prediction is reported, and the rows after it are still sent', async () => {
  const signature: Signature = {
    schemaVersion: 1,
    layout: 'columns',
    inputs: [{ name: 'x', type: 'FP32' }],
    output: { name: 'y', type: 'FP32' },
  };
  await ground.deployModel(logarithmModel(), signature);
  await start();
  const rows = [1, -1, 2, 3].map((x): InferenceRow => ({ id: `x-${x}`, features: { x } }));
  const sent = await gatewaysOf().send(ground.scope, rows, { key: ground.key, concurrency: 1 });
  expect(sent).toEqual({ answered: 3, unanswered: 1, refused: [] });
  await gatewaysOf().flush(ground.scope);
  expect((await stored()).rows).toBe(4);
});

test('a release that a gateway cannot serve yet is requested again until it can', async () => {
  await ground.deploy({ bias: 1 });
  await rename(join(ground.home, 'objects'), join(ground.home, 'objects-away'));
  await start();
  const sending = gatewaysOf().send(ground.scope, rowsOf(3), { key: ground.key, concurrency: 3 });
  await expect(
    gatewaysOf(300).send(ground.scope, rowsOf(1, 'hasty'), { key: ground.key, concurrency: 1 }),
  ).rejects.toMatchObject({ code: 'model-unavailable' });
  await rename(join(ground.home, 'objects-away'), join(ground.home, 'objects'));
  expect(await sending).toEqual({ answered: 3, unanswered: 0, refused: [] });
});

test('a gateway that ends while rows are sent, and returns at another address, loses none of them', async () => {
  await ground.deploy({ bias: 1 });
  const first = await start();
  const gateways = gatewaysOf();
  const sending = gateways.send(ground.scope, rowsOf(3_000), { key: ground.key, concurrency: 16 });
  await expect.poll(async () => (await first.ask('GET /metrics')).body).toContain('nv_inference_request_success{');
  servings.splice(0);
  await first.close();
  await start();
  expect(await sending).toEqual({ answered: 3_000, unanswered: 0, refused: [] });
  await gateways.flush(ground.scope);
  expect((await stored()).rows).toBeGreaterThanOrEqual(3_000);
});

test('an error says that there is no gateway', async () => {
  await expect(gatewaysOf().flush(ground.scope)).rejects.toMatchObject({ code: 'gateways-absent' });
  await expect(
    gatewaysOf(200).send(ground.scope, rowsOf(1), { key: ground.key, concurrency: 1 }),
  ).rejects.toMatchObject({ code: 'gateways-absent' });
  expect(await gatewaysOf().send(ground.scope, [], { key: ground.key, concurrency: 4 })).toEqual({
    answered: 0,
    unanswered: 0,
    refused: [],
  });
});
