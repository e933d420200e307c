import { batchOfCells } from '../../contracts/models/batch-of-cells.ts';
import { takenFrom } from '../../gateway/protocols/taken.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createLogger } from '../../adapters/logger/pino.ts';
import type { ColumnBatch } from '../../contracts/data/column-batch.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import type { ServedScope, ServedSlot } from '../../gateway/serving/serving-table.ts';
import type { ShadowQuestion } from '../../gateway/serving/shadow.ts';
import { Shadow } from '../../gateway/serving/shadow.ts';
import type { Columns } from '../../gateway/protocols/tensor-columns.ts';
import type { LogStream } from '../../gateway/log/log-stream.ts';
import { ShadowCounts } from '../../gateway/log/shadow-counts.ts';
import type { Answers } from '../../ports/model-format.ts';
import { loggedRecords } from '../support/logged-records.ts';
import { linearModel, logarithmModel } from '../support/onnx-models.ts';
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

const answers = (value: number, rows = 1): Answers => ({
  rows,
  values: new Float64Array(rows).fill(value),
  probabilities: null,
  vectors: {},
  failures: [],
});

interface ShadowForTest {
  readonly predict: ServedSlot['model']['predict'];
  readonly nulls?: readonly string[];
  readonly mostWaitingRows?: number;
}

/** A shadow outside a gateway, which is asked about rows that the champion answered with 3. */
function shadowOf({ predict, nulls = [], mostWaitingRows = 3 }: ShadowForTest) {
  const slot = {
    role: 'shadow',
    weight: 0,
    releaseDigest: 'b'.repeat(64),
    version: 2,
    taken: takenFrom({ signature: matrixSignature, missing: 'as-trained', nulls }),
    model: { artifact: 'a'.repeat(64), format: 'onnx', signature: matrixSignature, predict },
  } satisfies ServedSlot;
  const taken = takenFrom({ signature: matrixSignature, missing: 'as-trained', nulls: [] });
  const entry = { shadowTolerance: 0 };
  const served = { scope: ground.scope, label: 'bike', generation: 9, entry, champion: { ...slot, taken } };
  const counts = new ShadowCounts({
    gatewayId: '0193e2c8-0000-7000-8000-000000000001',
    newEpoch: () => '0193e2c8-0000-7000-8000-000000000002',
    steadyNow: () => 0,
  });
  const logged: (readonly string[])[] = [];
  const shadow = new Shadow({
    log: {
      append: async (_stream, { ids }) => {
        if (ids[0] === 'unloggable-0') throw new RangeError('the log cannot take these rows');
        logged.push(ids);
        return 0;
      },
      stream: () => ({}) as LogStream,
    },
    counts,
    clock: createSystemClock(),
    logger: createLogger({ name: 'test', level: 'silent' }),
    mostWaitingRows,
  });
  const ask = (id: string, others: { columns?: ShadowQuestion['columns']; rows?: number; logged?: boolean } = {}) => {
    const { columns = () => expect.unreachable(), rows = 1, logged: isLogged = true } = others;
    shadow.ask({
      served: served as unknown as ServedScope,
      shadow: slot,
      columns,
      logged: isLogged,
      answered: {
        role: 'champion',
        columns: columnsOf(rows),
        predictions: answers(3, rows),
        ids: Array.from({ length: rows }, (_, row) => `${id}-${row}`),
        request: undefined,
        eventTimes: undefined,
        replay: false,
      },
    });
  };
  return { shadow, counts, logged, ask };
}

/** A model that predicts 1 for every row, and the number of rows of each call. */
function modelOfOnes() {
  const asked: number[] = [];
  const predict = async ({ rows }: ColumnBatch): Promise<Answers> => {
    asked.push(rows);
    return answers(1, rows);
  };
  return { asked, predict };
}

function columnsOf(rows: number): Columns {
  const cells = { temp: Array.from({ length: rows }, () => 1), hum: Array.from({ length: rows }, () => 2) };
  return { batch: batchOfCells(matrixSignature.inputs, cells, rows), ignored: { names: [], count: 0 } };
}

test('a slow shadow delays no caller, gets the waiting requests together, and further ones are dropped and counted', async () => {
  const asked: number[] = [];
  let answer = (): void => undefined;
  const predict = ({ rows }: ColumnBatch): Promise<Answers> => {
    asked.push(rows);
    return new Promise<Answers>((resolve) => (answer = () => resolve(answers(1, rows))));
  };
  const { shadow, counts, logged, ask } = shadowOf({ predict });
  for (let i = 0; i < 5; i += 1) ask(`id-${i}`);
  // No shadow request is sent yet, because the responses to callers go out first.
  expect(asked).toEqual([]);
  expect(counts.all()).toMatchObject([{ dropped: 2, compared: 0 }]);
  await expect.poll(() => asked, within).toEqual([3]);
  answer();
  await shadow.idle();
  expect(counts.all()).toMatchObject([{ dropped: 2, compared: 3, absoluteDifference: 6, beyond: 3 }]);
  expect(logged).toEqual([['id-0-0', 'id-1-0', 'id-2-0']]);
});

test('a request that the shadow refuses fails alone, though others wait with it', async () => {
  const { shadow, counts, logged, ask } = shadowOf({ predict: modelOfOnes().predict, nulls: ['?'] });
  ask('first', { columns: () => columnsOf(1) });
  ask('refused', { columns: () => Promise.reject(new Error('not a row of this shadow')) });
  ask('last', { columns: () => columnsOf(1) });
  await shadow.idle();
  expect(counts.all()).toMatchObject([{ compared: 2, failed: 1, dropped: 0 }]);
  expect(logged).toEqual([['first-0'], ['last-0']]);
});

test('after rows that cannot be logged, the shadow goes on', async () => {
  const { shadow, counts, logged, ask } = shadowOf({ predict: modelOfOnes().predict });
  ask('unloggable');
  await shadow.idle();
  ask('next');
  await shadow.idle();
  expect(counts.all()).toMatchObject([{ compared: 2, failed: 0, dropped: 0 }]);
  expect(logged).toEqual([['next-0']]);
});

test('requests of which some are not logged are predicted together and logged apart', async () => {
  const { asked, predict } = modelOfOnes();
  const { shadow, counts, logged, ask } = shadowOf({ predict });
  ask('first', { logged: false });
  ask('last', { rows: 2 });
  await shadow.idle();
  expect(asked).toEqual([3]);
  expect(counts.all()).toMatchObject([{ compared: 3, failed: 0, dropped: 0 }]);
  expect(logged).toEqual([['last-0', 'last-1']]);
});

test('a request of many rows is predicted apart from the requests that wait with it', async () => {
  const { asked, predict } = modelOfOnes();
  const { shadow, ask } = shadowOf({ predict, mostWaitingRows: 10_000 });
  ask('small');
  ask('large', { rows: 1_000 });
  ask('last');
  await shadow.idle();
  expect(asked).toEqual([1, 1_000, 1]);
});

test('requests of every kind are compared and logged row by row, however many wait together', async () => {
  // The shadow reads the features in another order than the champion.
  const inputs = [...matrixSignature.inputs].toReversed();
  const model = linearModel({ features: inputs.map(({ name }) => name), weights: [10, 1], bias: 0 });
  const shadow = await ground.deployModel(model, { ...matrixSignature, inputs }, 0);
  await until(shadow.generation);
  const { deployments } = ground.repositories;
  const requests = Array.from({ length: 40 }, (_, at) => ({
    ids: Array.from({ length: (at % 3) + 1 }, (_row, row) => `kind-${at}-${row}`),
    request: at % 4 === 0 ? `request-${at}` : undefined,
  }));
  const rows = ({ ids }: (typeof requests)[number], at: number) => ids.map((_, row) => [at, row]);
  await Promise.all(
    requests.map(async (asked, at) => {
      const body = { ...inferBody(rows(asked, at), { prediction_ids: asked.ids }), id: asked.request };
      expect((await serving.ask('POST /v2/models/bike/infer', body)).status).toBe(200);
    }),
  );
  const all = requests.flatMap(({ ids }) => ids);
  await expect
    .poll(() => deployments.shadowed(ground.scope, shadow.generation), within)
    .toMatchObject([{ compared: all.length, failed: 0, dropped: 0 }]);
  const logged = new Map(
    (await loggedRows()).filter(({ role }) => role === 'shadow').map((record) => [record.id, record]),
  );
  for (const [at, { ids, request }] of requests.entries())
    for (const [row, id] of ids.entries())
      expect(logged.get(id)).toMatchObject({
        role: 'shadow',
        prediction: at + row * 10,
        features: { temp: at, hum: row },
        ...(request === undefined ? {} : { request, row }),
      });
});
