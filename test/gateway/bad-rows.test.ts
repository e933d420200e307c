import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Signature } from '../../contracts/models/signature.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import { loggedRecords } from '../support/logged-records.ts';
import { floats, model, node, value } from '../support/onnx-models.ts';
import type { Deployed, ServingGround, TestGateway } from '../support/serving-ground.ts';
import { layServingGround, startTestGateway } from '../support/serving-ground.ts';

// The model predicts log(x), which is -Infinity for 0 and NaN for -1. Its second output is the square root of -x.
let ground: ServingGround;
let serving: TestGateway;
let deployed: Deployed;

const signature: Signature = {
  schemaVersion: 1,
  layout: 'columns',
  inputs: [{ name: 'x', type: 'FP32' }],
  output: { name: 'y', type: 'FP32' },
  vectors: [{ name: 'rootOfX', type: 'FP32', width: 1 }],
};

const logarithm = model({
  nodes: [node('Log', ['x'], ['y']), node('Neg', ['x'], ['negative']), node('Sqrt', ['negative'], ['rootOfX'])],
  inputs: [value('x', 'FLOAT', ['rows', 1])],
  outputs: [value('y', 'FLOAT', ['rows', 1]), value('rootOfX', 'FLOAT', ['rows', 1])],
});

beforeAll(async () => {
  ground = await layServingGround();
  deployed = await ground.deployModel(logarithm, signature);
  serving = await startTestGateway(ground);
});
afterAll(async () => {
  await serving.close();
  await ground.stop();
});

function infer(xs: readonly number[], ids: readonly string[], outputs = ['y']) {
  return serving.ask('POST /v2/models/bike/infer', {
    parameters: { prediction_ids: ids },
    inputs: [{ name: 'x', datatype: 'FP32', shape: [xs.length], data: xs }],
    outputs: outputs.map((name) => ({ name })),
  });
}

async function written(id: string): Promise<PredictionRecord | undefined> {
  return (await loggedRecords(ground.home)).find((record) => record.id === id);
}

describe('a row without a finite prediction', () => {
  test('gets null with a reason, and the other rows are answered', async () => {
    const { status, body } = await infer([1, 0, 1, -1], ['p0', 'p1', 'p2', 'p3']);
    expect(status).toBe(200);
    expect(body.outputs).toEqual([{ name: 'y', shape: [4], datatype: 'FP32', data: [0, null, 0, null] }]);
    expect(body.parameters.errors).toEqual([
      { row: 1, output: 'y', reason: 'the model answers with -Infinity, which is not a finite number' },
      { row: 3, output: 'y', reason: 'the model answers with NaN, which is not a finite number' },
    ]);
  });

  test('gets null in the scoring protocol, with the reason beside the predictions', async () => {
    const { status, body } = await serving.ask('POST /invocations?model=bike', { inputs: { x: [1, 0] } });
    expect(status).toBe(200);
    expect(body).toEqual({
      predictions: [0, null],
      errors: [{ row: 1, reason: 'the model answers with -Infinity, which is not a finite number' }],
    });
  });

  test('is logged with its reason and without a prediction', async () => {
    await infer([1, 0], ['good', 'bad']);
    const bad = await written('bad');
    expect(bad).toMatchObject({ features: { x: 0 }, prediction: null, error: expect.stringContaining('-Infinity') });
    const good = await written('good');
    expect(good).toMatchObject({ prediction: 0 });
    expect(good).not.toHaveProperty('error');
  });

  test('makes the request fail if no row has a prediction, and is still logged', async () => {
    const { status, body } = await infer([0], ['alone']);
    expect(status).toBe(500);
    expect(body.error).toContain('the model has no answer for the row: the model answers with -Infinity');
    expect((await written('alone'))?.prediction).toBeNull();
    expect((await infer([0, -1], ['none-1', 'none-2'])).body.error).toContain('no answer for any of the 2 rows');
  });

  test('does not affect other requests in the same batch', async () => {
    const requests = Array.from({ length: 40 }, (_, at) => infer([at % 4 === 0 ? 0 : 1, 1], [`a${at}`, `b${at}`]));
    for (const [at, { status, body }] of (await Promise.all(requests)).entries()) {
      expect(status).toBe(200);
      expect(body.outputs[0].data).toEqual(at % 4 === 0 ? [null, 0] : [0, 0]);
      expect(body.parameters.errors).toEqual(at % 4 === 0 ? [expect.objectContaining({ row: 0 })] : undefined);
    }
  });

  test('counts its request as failed, and counts as a row', async () => {
    const counts = async () => {
      const served = await ground.repositories.deployments.served(ground.scope, deployed.generation);
      return served.reduce((sum, { errors }) => sum + errors, 0);
    };
    const before = await counts();
    await infer([1, 0], ['counted-1', 'counted-2']);
    await infer([1, 1], ['counted-3', 'counted-4']);
    await expect.poll(counts).toBeGreaterThan(before);
    const { body } = await serving.ask('GET /metrics');
    expect(body).toMatch(/perennial_failed_rows_total\{[^}]*version="1"\} [1-9]/);
  });
});

test('a row that makes the model fail is isolated, even in a large request', async () => {
  const lookingUp = await layServingGround();
  // The model uses its input as the index of one of three weights.
  const lookUp = model({
    nodes: [node('Gather', ['weights', 'place'], ['y'])],
    inputs: [value('place', 'INT64', ['rows', 1])],
    outputs: [value('y', 'FLOAT', ['rows', 1])],
    initializers: [floats('weights', [3], [10, 20, 30])],
  });
  await lookingUp.deployModel(lookUp, {
    schemaVersion: 1,
    layout: 'columns',
    inputs: [{ name: 'place', type: 'INT64' }],
    output: { name: 'y', type: 'FP32' },
  });
  const gateway = await startTestGateway(lookingUp);
  try {
    const ask = (places: readonly number[]) =>
      gateway.ask('POST /invocations?model=bike', { inputs: { place: places } });
    const { status, body } = await ask([0, 1, 7, 2]);
    expect({ status, predictions: body.predictions }).toEqual({ status: 200, predictions: [10, 20, null, 30] });
    expect(body.errors).toEqual([{ row: 2, reason: expect.stringContaining('the model failed') }]);
    const many = Array.from({ length: 5_000 }, (_, row) => (row === 4_321 ? 9 : row % 3));
    const large = await ask(many);
    expect(large.body.predictions.filter((answer: number | null) => answer === null)).toHaveLength(1);
    expect(large.body.predictions[4_321]).toBeNull();
    expect((await ask([7])).status).toBe(500);
    const joined = await Promise.all([ask([7]), ask([0]), ask([1]), ask([2])]);
    expect(joined.map((answer) => answer.status)).toEqual([500, 200, 200, 200]);
  } finally {
    await gateway.close();
    await lookingUp.stop();
  }
});

test('a number in a further output that JSON cannot represent is null with a reason, and the row does not fail', async () => {
  const { status, body } = await infer([1], ['side'], ['y', 'rootOfX']);
  expect(status).toBe(200);
  expect(body.outputs.map(({ data }: { data: unknown }) => data)).toEqual([[0], [null]]);
  expect(body.parameters.errors).toEqual([{ row: 0, output: 'rootOfX', reason: 'NaN is not a finite number' }]);
  expect((await written('side'))?.prediction).toBe(0);
});
