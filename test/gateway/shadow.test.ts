import { batchOfCells } from '../../contracts/models/batch-of-cells.ts';
import { takenFrom } from '../../gateway/protocols/taken.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createLogger } from '../../adapters/logger/pino.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import type { ServedScope, ServedSlot } from '../../gateway/serving/serving-table.ts';
import { Shadow } from '../../gateway/serving/shadow.ts';
import { ShadowCounts } from '../../gateway/log/shadow-counts.ts';
import type { Answers } from '../../ports/model-format.ts';
import { loggedRecords } from '../support/logged-records.ts';
import { logarithmModel } from '../support/onnx-models.ts';
import type { Deployed, ServingGround, TestGateway } from '../support/serving-ground.ts';
import { inferBody, layServingGround, matrixSignature, startTestGateway } from '../support/serving-ground.ts';

const within = { timeout: 10_000, interval: 50 };
let ground: ServingGround;
let serving: TestGateway;
let champion: Deployed;

beforeAll(async () => {
  ground = await layServingGround({ deploy: { strategy: { shadow: { tolerance: 2 } } } });
  champion = await ground.deploy({ bias: 100 });
  serving = await startTestGateway(ground);
});
afterAll(async () => {
  await serving.close();
  await ground.stop();
});

async function infer(id: string, parameters: Record<string, unknown> = {}) {
  const body = inferBody([[1, 2]], { prediction_ids: [id], ...parameters });
  const answer = await serving.ask('POST /v2/models/bike/infer', body);
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body.error}`);
  return { version: Number(answer.body.model_version), value: Number(answer.body.outputs[0].data[0]) };
}

async function until(generation: number): Promise<void> {
  const { deployments } = ground.repositories;
  await expect
    .poll(async () => (await deployments.acknowledgements(ground.scope, generation)).loaded, within)
    .toHaveLength(1);
}

function loggedRows(): Promise<PredictionRecord[]> {
  return loggedRecords(ground.home);
}

test('the champion answers every request, the shadow gets the same requests, and the differences are reported', async () => {
  const shadow = await ground.deploy({ bias: 104, weight: 0 });
  await until(shadow.generation);
  const { deployments } = ground.repositories;
  expect((await deployments.current(ground.scope))?.slots.map(({ role, weight }) => [role, weight])).toEqual([
    ['champion', 100],
    ['shadow', 0],
  ]);
  for (let i = 0; i < 30; i += 1) expect(await infer(`row-${i}`)).toEqual({ version: champion.version, value: 103 });
  await expect
    .poll(() => deployments.shadowed(ground.scope, shadow.generation), within)
    .toMatchObject([
      {
        releaseDigest: shadow.release.digest,
        compared: 30,
        failed: 0,
        dropped: 0,
        absoluteDifference: 120,
        beyond: 30,
      },
    ]);
  // Served counts are reported in a separate message, which may arrive after the comparisons.
  await expect
    .poll(() => deployments.served(ground.scope, shadow.generation), within)
    .toMatchObject([{ releaseDigest: champion.release.digest, requests: 30 }]);
  const rows = await loggedRows();
  const both = rows.filter(({ id }) => id === 'row-7').map(({ role, prediction }) => [role, prediction]);
  expect(both.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([
    ['champion', 103],
    ['shadow', 107],
  ]);
});

test('a request for a named version does not reach the shadow', async () => {
  const { deployments } = ground.repositories;
  const generation = (await deployments.current(ground.scope))?.generation ?? 0;
  const before = await deployments.shadowed(ground.scope, generation);
  const path = `POST /v2/models/bike/versions/${champion.version}/infer`;
  expect((await serving.ask(path, inferBody([[1, 2]]))).status).toBe(200);
  await infer('after-it');
  await expect
    .poll(async () => (await deployments.shadowed(ground.scope, generation))[0]?.compared, within)
    .toBe((before[0]?.compared ?? 0) + 1);
});

test('a failure of the shadow is counted, and the caller does not notice it', async () => {
  // The shadow needs a feature that the champion does not have and that no request contains.
  const signature = { ...matrixSignature, inputs: [{ name: 'wind', type: 'FP32' as const }] };
  const shadow = await ground.deployModel(logarithmModel(), signature, 0);
  await until(shadow.generation);
  expect(await infer('unanswered')).toEqual({ version: champion.version, value: 103 });
  await expect
    .poll(() => ground.repositories.deployments.shadowed(ground.scope, shadow.generation), within)
    .toMatchObject([{ compared: 0, failed: 1, dropped: 0 }]);
});

const answers = (value: number): Answers => ({
  rows: 1,
  values: Float64Array.of(value),
  probabilities: null,
  vectors: {},
  failures: [],
});

test('a slow shadow delays no caller, gets one request at a time, and further ones are dropped and counted', async () => {
  let asked = 0;
  let answer = (): void => undefined;
  const slot = {
    role: 'shadow',
    weight: 0,
    releaseDigest: 'b'.repeat(64),
    version: 2,
    taken: takenFrom({ signature: matrixSignature, missing: 'as-trained', nulls: [] }),
    model: {
      artifact: 'a'.repeat(64),
      format: 'onnx',
      signature: matrixSignature,
      predict: () => {
        asked += 1;
        return new Promise<Answers>((resolve) => (answer = () => resolve(answers(1))));
      },
    },
  } satisfies ServedSlot;
  const served = { scope: ground.scope, label: 'bike', generation: 9, entry: { shadowTolerance: 0 } };
  const counts = new ShadowCounts({
    gatewayId: '0193e2c8-0000-7000-8000-000000000001',
    newEpoch: () => '0193e2c8-0000-7000-8000-000000000002',
    steadyNow: () => 0,
  });
  const shadow = new Shadow({
    log: { append: async () => 0, stream: () => expect.unreachable() },
    counts,
    clock: createSystemClock(),
    logger: createLogger({ name: 'test', level: 'silent' }),
    mostWaitingRows: 3,
  });
  const columns = () => ({
    batch: batchOfCells(matrixSignature.inputs, { temp: [1], hum: [2] }, 1),
    ignored: { names: [], count: 0 },
  });
  for (let i = 0; i < 5; i += 1)
    shadow.ask({
      served: served as unknown as ServedScope,
      shadow: slot,
      columns,
      logged: false,
      answered: {
        role: 'champion',
        columns: columns(),
        predictions: answers(3),
        ids: [`id-${i}`],
        request: undefined,
        eventTimes: undefined,
        replay: false,
      },
    });
  // No shadow request is sent yet, because the responses to callers go out first.
  expect(asked).toBe(0);
  expect(counts.all()).toMatchObject([{ dropped: 2, compared: 0 }]);
  for (let i = 1; i <= 3; i += 1) {
    await expect.poll(() => asked, within).toBe(i);
    answer();
  }
  await shadow.idle();
  expect(counts.all()).toMatchObject([{ dropped: 2, compared: 3, absoluteDifference: 6, beyond: 3 }]);
});
