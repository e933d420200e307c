import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { BinaryMetrics } from '../../contracts/models/metrics.ts';
import { EvaluationBody } from '../../contracts/models/evaluation.ts';
import { modelVersionWith } from '../../contracts/models/model-version.ts';
import { Run } from '../../contracts/runs/run.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import {
  externalTensor,
  floats,
  integerAttribute,
  listOfMaps,
  model,
  node,
  value,
  withMachineLearning,
  zipMap,
} from '../support/onnx-models.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { tinyModel } from '../support/tiny-model.ts';

// Typical user models, through the whole stack from perennial.yaml to a prediction.

const name = 'arrivals';
let stack: EmbeddedStack;
let tiny: TinyModel;
beforeAll(async () => {
  stack = await startStackOfRun();
  tiny = await tinyModel(name, (configuration) => ({
    ...configuration,
    task: 'binary',
    data: { ...configuration.data, target: 'arrival', features: ['delay'] },
    build: { holdout: { last: '2 days' }, metric: 'rocAuc', gates: [{ metric: 'rocAuc', min: 0.3 }] },
    deploy: { approval: { votes: 0 }, strategy: { canary: [100], minRequests: 0, bake: '1s' } },
    monitor: { every: '1 day', minRows: 10 },
  }));
  const rows = Array.from({ length: 240 }, (_, hour) => {
    const delay = ((hour * 7) % 24) - 11.5;
    const at = new Date(Date.UTC(2026, 0, 1, hour)).toISOString().slice(0, 19).replace('T', ' ');
    return `${hour},${at},${delay},${delay > 0 ? 'late' : 'on time'}`;
  });
  await tiny.data(['id,at,delay,arrival', ...rows, ''].join('\n'));
  // The model predicts 1 if the delay is above 0, and its second column is the probability of 1.
  const bytes = model({
    nodes: [
      node('MatMul', ['x', 'w'], ['z']),
      node('Softmax', ['z'], ['shares']),
      node('ArgMax', ['shares'], ['label'], [integerAttribute('axis', 1), integerAttribute('keepdims', 0)]),
    ],
    inputs: [value('x', 'FLOAT', ['rows', 1])],
    outputs: [value('label', 'INT64', ['rows']), value('shares', 'FLOAT', ['rows', 2])],
    initializers: [floats('w', [1, 2], [-1, 1])],
  });
  await tiny.code('cp model.onnx "$PERENNIAL_OUTPUT/"', { 'model.onnx': bytes });
  await stack.json(z.unknown(), ['apply', '-f', tiny.file]);
  await stack.json(z.unknown(), ['data', 'ingest', '-f', tiny.file]);
});
afterAll(async () => {
  await stack?.end();
  await tiny?.remove();
});

async function build(classes: readonly string[] | undefined): Promise<z.infer<typeof Run>> {
  await tiny.configure(({ build: given, ...configuration }) => ({
    ...configuration,
    build: { ...given, classes: classes === undefined ? undefined : [...classes] },
  }));
  await stack.json(z.unknown(), ['apply', '-f', tiny.file]);
  await stack.perennial(['build', '--model', name, '--as-of', '2026-01-11T00:00:00Z']);
  const { items } = await stack.get(
    z.object({ items: z.array(Run) }).loose(),
    `/v1/runs?model=${name}&kind=build&limit=1`,
  );
  return items[0]!;
}

test('labels 0 and 1 for a text target are refused with an error that suggests build.classes, and no version is created', async () => {
  expect(await build(undefined)).toMatchObject({
    state: 'failed',
    failure: { code: 'artifact-invalid', message: expect.stringContaining('build.classes: [on time, late]') },
  });
});

test('a class order that the rows contradict is refused, and one with other classes is refused before training', async () => {
  expect(await build(['late', 'on time'])).toMatchObject({
    state: 'failed',
    failure: { code: 'artifact-invalid', message: expect.stringContaining('build.classes: [on time, late]') },
  });
  expect(await build(['late', 'early'])).toMatchObject({
    state: 'failed',
    failure: { code: 'invalid-configuration', message: expect.stringContaining('"early"') },
  });
});

test('build.classes matches labels to classes in evaluation and serving', async () => {
  const run = await build(['on time', 'late']);
  expect(run).toMatchObject({ state: 'succeeded', outcome: { kind: 'build', decision: 'candidate' } });
  const { evaluation } = await stack.get(
    z.object({ evaluation: z.object({ body: EvaluationBody }).loose() }).loose(),
    `/v1/models/${name}/versions/1`,
  );
  expect(BinaryMetrics.parse(evaluation.body.challenger)).toMatchObject({ rocAuc: 1, accuracy: 1 });
  await stack.json(z.unknown(), ['deploy', '1', '--model', name, '--yes']);
  const body = { inputs: [{ name: 'delay', datatype: 'FP32', shape: [2], data: [-9, 9] }] };
  const answer = await until('the release serves', async () => {
    const response = await fetch(`${stack.gateway}/v2/models/${name}/infer`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.keys.operator}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return response.status === 200 ? response.json() : undefined;
  });
  expect(answer).toMatchObject({
    outputs: [
      { name: 'label', datatype: 'BYTES', data: ['on time', 'late'] },
      { name: 'shares', parameters: { classes: ['on time', 'late'] } },
    ],
  });
}, 120_000);

const zipped = model({
  nodes: [
    node('MatMul', ['x', 'w'], ['z']),
    node('Softmax', ['z'], ['shares']),
    zipMap('shares', 'mapped', ['on time', 'late']),
  ],
  inputs: [value('x', 'FLOAT', ['rows', 1])],
  outputs: [listOfMaps('mapped')],
  initializers: [externalTensor('w', [1, 2], 'weights.bin', { offset: '4' })],
  rest: withMachineLearning,
});
const weights = new Uint8Array(Float32Array.of(7, -1, 1).buffer);

test('a ZipMap is removed and weights in a plain file are embedded, and the log reports both', async () => {
  await tiny.code('cp model.onnx weights.bin "$PERENNIAL_OUTPUT/"', { 'model.onnx': zipped, 'weights.bin': weights });
  const run = await build(undefined);
  expect(run).toMatchObject({ state: 'succeeded', outcome: { kind: 'build', decision: 'candidate', number: 2 } });
  const { signature, evaluation } = await stack.get(
    modelVersionWith({ evaluation: z.object({ body: EvaluationBody }) }),
    `/v1/models/${name}/versions/2`,
  );
  expect(evaluation.body.challenger).toMatchObject({ rocAuc: 1, accuracy: 1 });
  expect(signature.classes).toEqual(['on time', 'late']);
  const { stdout } = await stack.perennial(['runs', 'logs', run.id]);
  expect(stdout).toContain('the ZipMap of the output "mapped" was removed');
  expect(stdout).toContain('tensors that were stored in other files were copied into the model');
});

test('weights in a symbolic or hard link are refused', async () => {
  for (const trick of ['ln -s "$PWD/weights.bin"', 'cp weights.bin "$PERENNIAL_OUTPUT/w"; ln "$PERENNIAL_OUTPUT/w"']) {
    await tiny.code(`cp model.onnx "$PERENNIAL_OUTPUT/"; ${trick} "$PERENNIAL_OUTPUT/weights.bin"`, {
      'model.onnx': zipped,
      'weights.bin': weights,
    });
    expect(await build(undefined)).toMatchObject({
      state: 'failed',
      failure: {
        code: 'artifact-invalid',
        message: expect.stringContaining('the output folder has no such plain file'),
      },
    });
  }
});
