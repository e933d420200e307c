import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOnnxFormat } from '../../adapters/model-formats/onnx/onnx-format.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import type { Signature } from '../../contracts/models/signature.ts';
import { loggedRecords } from '../support/logged-records.ts';
import { artifactOf } from '../support/artifact.ts';
import { classifier } from '../support/classifiers.ts';
import { floats, model, node, value } from '../support/onnx-models.ts';
import type { ServingGround, TestGateway } from '../support/serving-ground.ts';
import { layServingGround, startTestGateway } from '../support/serving-ground.ts';
import { sandboxIn } from '../support/lay-sandbox.ts';

// A model with text and integer inputs that predicts classes.

const given = classifier('mixed-columns');
const signature: Signature = {
  schemaVersion: 1,
  layout: 'columns',
  inputs: [
    { name: 'colour', type: 'BYTES' },
    { name: 'count', type: 'INT64' },
    { name: 'fresh', type: 'INT64' },
    { name: 'weight', type: 'FP32' },
  ],
  output: { name: 'label', type: 'INT64' },
  classes: [0, 1],
  probabilities: { name: 'probabilities', type: 'FP32', width: 2 },
};

let ground: ServingGround;
let serving: TestGateway;
beforeAll(async () => {
  ground = await layServingGround();
  await ground.deployModel(given.bytes, signature);
  serving = await startTestGateway(ground);
});
afterAll(async () => {
  await serving.close();
  await ground.stop();
});

function bodyOf(rows: number, rest: object = {}) {
  const inputs = signature.inputs.map(({ name, type }) => ({
    name,
    datatype: type,
    shape: [rows],
    data: given.inputs[name]!.slice(0, rows),
  }));
  return { inputs, ...rest };
}

test('labels and probabilities are two outputs, and the response names the classes of the columns', async () => {
  const { status, body } = await serving.ask('POST /v2/models/bike/infer', bodyOf(3));
  expect(status).toBe(200);
  expect(body.outputs).toEqual([
    { name: 'label', datatype: 'INT64', shape: [3], data: given.labels.slice(0, 3) },
    {
      name: 'probabilities',
      datatype: 'FP32',
      shape: [3, 2],
      data: given.probabilities!.slice(0, 3).flatMap((shares) => shares.map((share) => expect.closeTo(share, 5))),
      parameters: { classes: [0, 1] },
    },
  ]);
  expect((await serving.ask('GET /v2/models/bike')).body.outputs).toEqual([
    { name: 'label', datatype: 'INT64', shape: [-1] },
    { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
  ]);
});

test('only the requested outputs are returned, and an unknown one is refused with the existing ones', async () => {
  const only = await serving.ask('POST /v2/models/bike/infer', bodyOf(1, { outputs: [{ name: 'probabilities' }] }));
  expect(only.body.outputs.map(({ name }: { name: string }) => name)).toEqual(['probabilities']);
  const unknown = await serving.ask('POST /v2/models/bike/infer', bodyOf(1, { outputs: [{ name: 'scores' }] }));
  expect(unknown).toMatchObject({ status: 400, body: { error: expect.stringContaining('label, probabilities') } });
});

test('an input of the wrong type is refused by name', async () => {
  const body = bodyOf(1);
  const [colour, ...rest] = body.inputs;
  const wrong = { inputs: [{ ...colour!, datatype: 'FP32', data: [1] }, ...rest] };
  expect(await serving.ask('POST /v2/models/bike/infer', wrong)).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining('"colour": expected datatype BYTES') },
  });
});

test("MLflow's response has the labels, with the probabilities beside them", async () => {
  const names = Object.keys(given.inputs);
  const data = [0, 1].map((row) => names.map((name) => given.inputs[name]![row]));
  const { status, body } = await serving.ask('POST /invocations?model=bike', {
    dataframe_split: { columns: names, data },
  });
  expect(status).toBe(200);
  expect(body.predictions).toEqual(given.labels.slice(0, 2));
  expect(body.probabilities).toEqual(
    given.probabilities!.slice(0, 2).map((shares) => shares.map((share) => expect.closeTo(share, 5))),
  );
});

test('many concurrent requests each get their own rows back', async () => {
  const answers = await Promise.all(
    [1, 2, 3, 4, 5].map((rows) => serving.ask('POST /v2/models/bike/infer', bodyOf(rows))),
  );
  for (const [at, { body }] of answers.entries()) {
    expect(body.outputs[0].data).toEqual(given.labels.slice(0, at + 1));
    expect(body.outputs[1].data).toHaveLength(2 * (at + 1));
  }
});

test('the log contains the label, the probabilities and the unchanged inputs', async () => {
  const { body } = await serving.ask(
    'POST /v2/models/bike/infer',
    bodyOf(1, { parameters: { prediction_ids: ['to-be-logged'] } }),
  );
  expect(await logged('to-be-logged')).toMatchObject({
    prediction: given.labels[0],
    probabilities: body.outputs[1].data,
    features: { colour: given.inputs['colour']![0], count: given.inputs['count']![0] },
  });
});

test('for several classes the log contains one probability per class, which estimates without labels need', async () => {
  const several = classifier('several-numbers');
  const { bytes, features, inputs, rows, classes } = several;
  const { signature: inspected } = await createOnnxFormat({
    sandbox: sandboxIn(join(ground.home, 'sandbox')),
    scratchFolder: join(ground.home, 'models'),
  }).inspect({
    artifact: await artifactOf(ground.home, several.bytes),
    features,
    sample: inputs,
    rows,
    wanted: { task: 'multiclass', classes },
  });
  const { version } = await ground.deployModel(bytes, inspected);
  await expect
    .poll(async () => (await serving.ask('GET /v2/models/bike')).body.versions, { timeout: 10_000 })
    .toContain(String(version));
  const { status } = await serving.ask(`POST /v2/models/bike/versions/${version}/infer`, {
    inputs: inspected.inputs.map(({ name, type }) => ({
      name,
      datatype: type,
      shape: [2],
      data: several.inputs[name]!.slice(0, 2),
    })),
    parameters: { prediction_ids: ['first', 'second'] },
  });
  expect(status).toBe(200);
  for (const [row, id] of ['first', 'second'].entries())
    expect(await logged(id)).toMatchObject({
      prediction: several.labels[row],
      probabilities: several.probabilities![row]!.map((share) => expect.closeTo(share, 5)),
    });
});

test('further outputs of a model are returned and logged beside the measured one', async () => {
  const quantiles = ['q10', 'q50', 'q90'];
  const bytes = model({
    nodes: quantiles.map((name) => node('Mul', ['x', `w-${name}`], [name])),
    inputs: [value('x', 'FLOAT', ['rows', 1])],
    outputs: quantiles.map((name) => value(name, 'FLOAT', ['rows', 1])),
    initializers: quantiles.map((name, at) => floats(`w-${name}`, [1], [at + 1])),
  });
  const measured: Signature = {
    schemaVersion: 1,
    layout: 'matrix',
    inputName: 'x',
    inputs: [{ name: 'temp', type: 'FP32' }],
    output: { name: 'q50', type: 'FP32' },
    vectors: [
      { name: 'q10', type: 'FP32', width: 1 },
      { name: 'q90', type: 'FP32', width: 1 },
    ],
  };
  const { version } = await ground.deployModel(bytes, measured);
  await expect
    .poll(async () => (await serving.ask('GET /v2/models/bike')).body.versions, { timeout: 10_000 })
    .toContain(String(version));
  const { body } = await serving.ask(`POST /v2/models/bike/versions/${version}/infer`, {
    inputs: [{ name: 'temp', datatype: 'FP32', shape: [1], data: [3] }],
    parameters: { prediction_ids: ['quantiles'] },
  });
  expect(body.outputs.map(({ name, data }: { name: string; data: number[] }) => [name, data])).toEqual([
    ['q50', [6]],
    ['q10', [3]],
    ['q90', [9]],
  ]);
  expect(await logged('quantiles')).toMatchObject({ prediction: 6, vectors: { q10: [3], q90: [9] } });
});

async function logged(id: string): Promise<PredictionRecord | undefined> {
  return (await loggedRecords(ground.home)).find((record) => record.id === id);
}
