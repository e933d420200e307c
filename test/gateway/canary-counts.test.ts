import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { judge } from '../../activities/deployment/judge-canary.ts';
import type { Signature } from '../../contracts/models/signature.ts';
import { columnsModel, linearModel, logarithmModel } from '../support/onnx-models.ts';
import type { Deployed, ServingGround, TestGateway } from '../support/serving-ground.ts';
import { layServingGround, startTestGateway } from '../support/serving-ground.ts';

/** The signature of models with one feature. */
const ofTemp: Signature = {
  schemaVersion: 1,
  layout: 'matrix',
  inputName: 'x',
  inputs: [{ name: 'temp', type: 'FP32' }],
  output: { name: 'y', type: 'FP32' },
};
const hour = 60 * 60_000;
/** At a weight of 50, random numbers below 0.5 select the canary. */
const toCanary = 0;
const toChampion = 0.9;

let ground: ServingGround;
let serving: TestGateway;
let drawn = toCanary;
let ahead = 0;

beforeEach(async () => {
  ahead = 0;
  drawn = toCanary;
  // Predictions are not logged, so a flush only reports counts.
  ground = await layServingGround({ serve: { log: { sample: 0 } } });
});
afterEach(async () => {
  await serving.close();
  await ground.stop();
});

async function serve(folder = 'gateway'): Promise<void> {
  serving = await startTestGateway(ground, {
    folder: join(ground.home, folder),
    steadyNow: () => performance.now() + ahead,
    random: () => drawn,
  });
}

const linear = () => linearModel({ features: ['temp'], weights: [1], bias: 0 });

/** Deploys a champion and a canary with half of the requests each. */
async function deployStep(champion: Uint8Array, canary: Uint8Array, signature = ofTemp): Promise<Deployed> {
  await ground.deployModel(champion, ofTemp);
  return ground.deployModel(canary, signature, 50);
}

async function ask(temp: number | string, times = 1): Promise<number[]> {
  const answers = Array.from({ length: times }, () =>
    serving.ask('POST /invocations?model=bike', { dataframe_records: [{ temp }] }),
  );
  return (await Promise.all(answers)).map(({ status }) => status);
}

function flush() {
  return serving.ask('POST /v1/flush', { project: 'default', model: 'bike', environment: 'production' });
}

/** Returns the counts that gateways reported for the releases of the step. */
async function stepOf({ generation, release }: Deployed) {
  expect((await flush()).status).toBe(200);
  const counts = await ground.repositories.deployments.served(ground.scope, generation);
  return {
    canary: counts.filter(({ releaseDigest }) => releaseDigest === release.digest),
    champion: counts.filter(({ releaseDigest }) => releaseDigest !== release.digest),
  };
}

test('the failures of a canary after an idle hour are counted', async () => {
  const canary = await deployStep(linear(), logarithmModel());
  await serve();
  await ask(1, 100);
  await ask(-1);
  expect((await stepOf(canary)).canary).toMatchObject([{ requests: 101, errors: 1, ownErrors: 1 }]);
  ahead = 2 * hour;
  // A gateway drops counts that have not changed for an hour when it reports the next ones.
  drawn = toChampion;
  await ask(1);
  await stepOf(canary);
  drawn = toCanary;
  await ask(-1, 4);
  const step = await stepOf(canary);
  expect(step.canary).toMatchObject([{ requests: 105, errors: 5, ownErrors: 5 }]);
  expect(judge(step, 50, { errorRate: 0.01 })).toMatchObject({ verdict: 'abort' });
});

test('a restarted gateway continues its counts, even if its saved counts are lost, and reports nothing twice', async () => {
  const canary = await deployStep(linear(), logarithmModel());
  await serve();
  await ask(-1, 5);
  expect((await stepOf(canary)).canary).toMatchObject([{ requests: 5, errors: 5 }]);
  await serving.close();
  await serve();
  await ask(-1, 2);
  expect((await stepOf(canary)).canary).toMatchObject([{ requests: 7, errors: 7 }]);
  await serving.close();
  await rm(join(ground.home, 'gateway', 'serving-counts.json'));
  await serve();
  await ask(-1, 3);
  expect((await stepOf(canary)).canary).toMatchObject([{ requests: 10, errors: 10, ownErrors: 10 }]);
});

/** Returns the comparisons with the shadow that gateways reported. */
async function comparisonsOf({ generation }: Deployed) {
  expect((await flush()).status).toBe(200);
  return ground.repositories.deployments.shadowed(ground.scope, generation);
}

test('comparisons with a shadow are counted after an idle hour, and after a restart without the saved counts', async () => {
  await ground.deployModel(linear(), ofTemp);
  const shadow = await ground.deployModel(linearModel({ features: ['temp'], weights: [1], bias: 2 }), ofTemp, 0);
  await serve();
  await ask(1, 10);
  expect(await comparisonsOf(shadow)).toMatchObject([{ compared: 10, absoluteDifference: 20 }]);
  // A gateway drops counts that have not changed for an hour when it reports the next time.
  ahead = 2 * hour;
  await comparisonsOf(shadow);
  await ask(1, 3);
  expect(await comparisonsOf(shadow)).toMatchObject([{ compared: 13, absoluteDifference: 26 }]);
  await serving.close();
  await rm(join(ground.home, 'gateway', 'serving-counts.json'));
  await serve();
  await ask(1, 4);
  expect(await comparisonsOf(shadow)).toMatchObject([{ compared: 17, absoluteDifference: 34, beyond: 17 }]);
  // The counts that a restart finds are not added again.
  await serving.close();
  await serve();
  expect(await comparisonsOf(shadow)).toMatchObject([{ compared: 17, absoluteDifference: 34 }]);
});

test('two gateways have separate counts', async () => {
  const canary = await deployStep(linear(), logarithmModel());
  await serve();
  const first = serving;
  await ask(-1, 2);
  await stepOf(canary);
  await serve('gateway-2');
  await ask(-1, 3);
  const counts = (await stepOf(canary)).canary.map(({ errors }) => errors);
  expect(counts.toSorted((a, b) => a - b)).toEqual([2, 3]);
  await first.close();
});

test("requests that no release can answer do not count as errors of a canary with the champion's artifact", async () => {
  const canary = await deployStep(logarithmModel(), logarithmModel());
  await serve();
  await ask(1, 40);
  expect(await ask(-1, 6)).not.toContain(200);
  drawn = toChampion;
  await ask(1, 4);
  await ask(-1, 1);
  const step = await stepOf(canary);
  expect(step.canary).toMatchObject([{ requests: 46, errors: 6, ownErrors: 0 }]);
  expect(step.champion).toMatchObject([{ requests: 5, errors: 1, ownErrors: 0 }]);
  expect(judge(step, 40, { errorRate: 0.01 })).toMatchObject({ verdict: 'pass' });
});

test('a row without a prediction among others is an error of one release only if the other has a prediction', async () => {
  const some = { dataframe_records: [{ temp: 1 }, { temp: -1 }] };
  const canary = await deployStep(linear(), logarithmModel());
  await serve();
  const { status, body } = await serving.ask('POST /invocations?model=bike', some);
  expect({ status, predictions: body.predictions }).toEqual({ status: 200, predictions: [0, null] });
  const step = await stepOf(canary);
  expect(step.canary).toMatchObject([{ requests: 1, errors: 1, ownErrors: 1 }]);
  expect(step.canary[0]?.latency.reduce((sum, count) => sum + count)).toBe(1);
  const same = await ground.deployModel(logarithmModel(), ofTemp, 100);
  const twin = await ground.deployModel(logarithmModel(), ofTemp, 50);
  expect(same.generation).toBeLessThan(twin.generation);
  await expect
    .poll(async () => (await serving.ask('POST /invocations?model=bike', some)).headers.get('perennial-generation'))
    .toBe(String(twin.generation));
  expect((await stepOf(twin)).canary[0]).toMatchObject({ ownErrors: 0 });
});

test('a failure of the champion alone counts as its own error', async () => {
  const canary = await deployStep(logarithmModel(), linear());
  await serve();
  drawn = toChampion;
  await ask(1, 2);
  await ask(-1, 3);
  expect((await stepOf(canary)).champion).toMatchObject([{ requests: 5, errors: 3, ownErrors: 3 }]);
});

test('a request that only the canary refuses is its error, and one that both refuse is the caller’s', async () => {
  const { inputName: _inputName, ...signature } = ofTemp;
  const wider: Signature = {
    ...signature,
    layout: 'columns',
    inputs: [
      { name: 'temp', type: 'FP32' },
      { name: 'wind', type: 'FP32' },
    ],
  };
  const bytes = columnsModel({ features: ['temp', 'wind'], weights: [1, 1], bias: 0 });
  const canary = await deployStep(linear(), bytes, wider);
  await serve();
  expect(await ask('warm', 5)).toEqual([400, 400, 400, 400, 400]);
  expect((await stepOf(canary)).canary).toEqual([]);
  expect(await ask(1, 3)).toEqual([400, 400, 400]);
  const step = await stepOf(canary);
  expect(step.canary).toMatchObject([{ requests: 3, errors: 3, ownErrors: 3 }]);
  expect(judge(step, 50, { errorRate: 0.01 })).toMatchObject({ verdict: 'abort' });
});
