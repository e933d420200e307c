import { batchOfCells } from '../../../contracts/models/batch-of-cells.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOnnxFormat } from '../../../adapters/model-formats/onnx/onnx-format.ts';
import type { ClassValue, Signature } from '../../../contracts/models/signature.ts';
import type { Answers } from '../../../ports/model-format.ts';
import { artifactOf } from '../../support/artifact.ts';
import type { Classifier, ClassifierName } from '../../support/classifiers.ts';
import { classifier } from '../../support/classifiers.ts';
import { floats, linearModel, model, node, value } from '../../support/onnx-models.ts';
import { sandboxOfTests, scratchOfTests } from '../../support/sandbox-of-tests.ts';

const format = createOnnxFormat({ sandbox: sandboxOfTests(), scratchFolder: scratchOfTests() });
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-classifiers-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function inspect(
  given: Pick<Classifier, 'bytes' | 'features' | 'inputs' | 'rows'>,
  classes: readonly ClassValue[],
  order?: readonly ClassValue[],
): Promise<Signature> {
  const artifact = await artifactOf(folder, given.bytes);
  const task = classes.length === 2 ? 'binary' : 'multiclass';
  const wanted = { task, classes, order } as const;
  return (await format.inspect({ artifact, features: given.features, sample: given.inputs, rows: given.rows, wanted }))
    .signature;
}

async function answersOf({ bytes, inputs, rows }: Classifier, signature: Signature): Promise<Answers> {
  const loaded = await format.load(bytes, signature);
  try {
    return await loaded.predict(batchOfCells(loaded.signature.inputs, inputs, rows));
  } finally {
    await loaded.release();
  }
}

describe('classifiers as skl2onnx exports them', () => {
  test.each<[ClassifierName, string, number]>([
    ['binary-words', 'BYTES', 2],
    ['several-numbers', 'INT64', 3],
    ['mixed-columns', 'INT64', 2],
  ])('%s gives the labels and probabilities of scikit-learn', async (name, type, width) => {
    const given = classifier(name);
    const signature = await inspect(given, given.classes);
    expect(signature.output.type).toBe(type);
    expect(signature.probabilities).toMatchObject({ type: 'FP32', width });
    expect(signature.classes).toEqual(given.classes);
    const { values, probabilities } = await answersOf(given, signature);
    expect(Array.from<ClassValue>(values)).toEqual(given.labels);
    for (const [row, shares] of given.probabilities!.entries())
      for (const [place, share] of shares.entries()) expect(probabilities![row * width + place]).toBeCloseTo(share, 5);
  });

  test('words, integers and floats are inputs, each in a tensor of its own', async () => {
    const given = classifier('mixed-columns');
    const { layout, inputs } = await inspect(given, given.classes);
    expect(layout).toBe('columns');
    expect(inputs).toEqual([
      { name: 'colour', type: 'BYTES' },
      { name: 'count', type: 'INT64' },
      { name: 'fresh', type: 'INT64' },
      { name: 'weight', type: 'FP32' },
    ]);
  });

  test('scores that are not probabilities are a vector beside the label', async () => {
    const given = classifier('labels-and-scores');
    const signature = await inspect(given, given.classes);
    expect(signature.probabilities).toBeUndefined();
    const [vector] = signature.vectors ?? [];
    const { values, probabilities, vectors } = await answersOf(given, signature);
    expect(Array.from<ClassValue>(values)).toEqual(given.labels);
    expect(probabilities).toBeNull();
    expect(vectors[vector!.name]).toHaveLength(given.rows * vector!.width);
  });

  test('a model with its columns in another order than build.classes is refused', async () => {
    const given = classifier('binary-words');
    await expect(inspect(given, given.classes, [...given.classes].toReversed())).rejects.toMatchObject({
      code: 'artifact-invalid',
      message: expect.stringContaining('are not in the order of build.classes'),
    });
  });

  test('a label that no training row has is refused, and both are named', async () => {
    const given = classifier('binary-words');
    await expect(inspect(given, ['no', 'maybe'])).rejects.toMatchObject({
      code: 'artifact-invalid',
      message: expect.stringMatching(/answers "yes".*not one of the classes.*no, maybe/),
    });
  });
});

describe('classifiers from other programs', () => {
  const x = value('x', 'FLOAT', ['rows', 2]);
  const weights = floats('w', [2, 2], [1, -1, 0.5, 2]);
  const shares = model({
    nodes: [node('MatMul', ['x', 'w'], ['z']), node('Softmax', ['z'], ['shares'])],
    inputs: [x],
    outputs: [value('shares', 'FLOAT', ['rows', 2])],
    initializers: [weights],
  });
  const given = { bytes: shares, features: ['a', 'b'], inputs: { a: [1, -2, 3], b: [0, 1, -1] }, rows: 3 };

  test('probabilities alone give a label, the class with the highest one', async () => {
    const signature = await inspect(given, ['no', 'yes'], ['no', 'yes']);
    expect(signature.output).toEqual({ name: 'label', type: 'BYTES', from: 'probabilities' });
    const loaded = await format.load(shares, signature);
    expect((await loaded.predict(batchOfCells(loaded.signature.inputs, given.inputs, 3))).values).toEqual([
      'no',
      'yes',
      'no',
    ]);
    await loaded.release();
    expect((await inspect(given, [false, true])).output.type).toBe('BOOL');
  });

  test('a single probability per row belongs to the second of two classes', async () => {
    const sigmoid = model({
      nodes: [node('MatMul', ['x', 'w'], ['z']), node('Sigmoid', ['z'], ['p'])],
      inputs: [x],
      outputs: [value('p', 'FLOAT', ['rows', 1])],
      initializers: [floats('w', [2, 1], [1, 1])],
    });
    const signature = await inspect({ ...given, bytes: sigmoid }, [0, 1]);
    expect(signature.probabilities).toEqual({ name: 'p', type: 'FP32', width: 1 });
    const loaded = await format.load(sigmoid, signature);
    expect((await loaded.predict(batchOfCells(loaded.signature.inputs, given.inputs, 3))).values).toEqual([1, 0, 1]);
    await loaded.release();
  });

  test('a regression is not accepted as a classifier', async () => {
    const bytes = linearModel({ features: ['a', 'b'], weights: [1, 2], bias: 5 });
    await expect(inspect({ ...given, bytes }, ['no', 'yes'])).rejects.toMatchObject({
      code: 'artifact-invalid',
      message: expect.stringContaining('no output of a classifier'),
    });
  });
});
