import { batchOfCells } from '../../../contracts/models/batch-of-cells.ts';
import onnxProto from 'onnx-proto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOnnxFormat } from '../../../adapters/model-formats/onnx/onnx-format.ts';
import type { OnnxSignature } from '../../../contracts/model-format.ts';
import type { ClassValue } from '../../../contracts/models/signature.ts';
import type { WantedAnswers } from '../../../ports/model-format.ts';
import { artifactOf } from '../../support/artifact.ts';
import { classifier } from '../../support/classifiers.ts';
import { floats, integerAttribute, list, model, node, value, withMachineLearning } from '../../support/onnx-models.ts';
import { sandboxOfTests, scratchOfTests } from '../../support/sandbox-of-tests.ts';

// A model's labels and columns are matched to classes by evidence in the model, or by build.classes, which the rows
// must confirm.

const format = createOnnxFormat({ sandbox: sandboxOfTests(), scratchFolder: scratchOfTests() });
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-classes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const x = value('x', 'FLOAT', ['rows', 1]);
const two = [node('MatMul', ['x', 'w'], ['z']), node('Softmax', ['z'], ['shares'])];
/** The first column is large if `a` is below 0, the second if `a` is above 0. */
const rising = [floats('w', [1, 2], [-3, 3])];
/** The first column is largest if `a` is below -1, the second around 0, the third above 1. */
const three = [node('MatMul', ['x', 'w'], ['m']), node('Add', ['m', 'b'], ['z']), node('Softmax', ['z'], ['shares'])];
const steps = [floats('w', [1, 3], [-5, 0, 5]), floats('b', [3], [0, 5, 0])];
const shares = (classes: number) => value('shares', 'FLOAT', ['rows', classes]);
const greatest = node('ArgMax', ['shares'], ['label'], [integerAttribute('axis', 1), integerAttribute('keepdims', 0)]);
const number = value('label', 'INT64', ['rows']);
const words = (names: readonly string[]) => ({
  ...node(
    'LabelEncoder',
    ['place'],
    ['label'],
    [list('keys_int64s', [...names.keys()]), list('values_strings', names)],
  ),
  domain: 'ai.onnx.ml',
});
const place = node('ArgMax', ['shares'], ['place'], [integerAttribute('axis', 1), integerAttribute('keepdims', 0)]);
const word = value('label', 'STRING', ['rows']);

const spread = Array.from({ length: 120 }, (_, row) => ((row * 7) % 120) / 20 - 2.975);
const truthOfTwo = (low: ClassValue, high: ClassValue) => spread.map((a) => (a < 0 ? low : high));
const truthOfThree = (classes: readonly ClassValue[]) => spread.map((a) => classes[a < -1 ? 0 : a < 1 ? 1 : 2] ?? '');

async function inspect(
  bytes: Uint8Array,
  wanted: Omit<WantedAnswers, 'task' | 'evidence'>,
  truth: readonly ClassValue[],
  a: readonly number[] = spread,
): Promise<OnnxSignature> {
  const task = wanted.classes.length === 2 ? 'binary' : 'multiclass';
  const evidence = { columns: { a }, truth };
  const artifact = await artifactOf(folder, bytes);
  return (
    await format.inspect({
      artifact,
      features: ['a'],
      sample: { a: a.slice(0, 50) },
      rows: 50,
      wanted: { ...wanted, task, evidence },
    })
  ).signature;
}

function refusal(...given: Parameters<typeof inspect>): Promise<Error & { code: string }> {
  return inspect(...given).then(
    (signature) => Promise.reject(new Error(`it was accepted: ${JSON.stringify(signature)}`)),
    (caught: Error & { code: string }) => caught,
  );
}

async function labelsFor(bytes: Uint8Array, signature: OnnxSignature, a: readonly number[]): Promise<ClassValue[]> {
  const loaded = await format.load(bytes, signature);
  const { values } = await loaded.predict(batchOfCells(loaded.signature.inputs, { a }, a.length));
  await loaded.release();
  return Array.from<ClassValue>(values);
}

describe('integer labels for a text target', () => {
  const bytes = model({ nodes: [...two, greatest], inputs: [x], outputs: [number, shares(2)], initializers: rising });
  const classes = ['late', 'on time'];
  const truth = truthOfTwo('on time', 'late');

  test('are refused with an error that names the order that fits the rows', async () => {
    const caught = await refusal(bytes, { classes }, truth);
    expect(caught.code).toBe('artifact-invalid');
    expect(caught.message).toMatch(/output "label".*not one of the classes.*late, on time/);
    expect(caught.message).toContain('build.classes: [on time, late]');
  });

  test('are positions in build.classes, and so are the columns of probabilities', async () => {
    const signature = await inspect(bytes, { classes, order: ['on time', 'late'] }, truth);
    expect(signature).toMatchObject({
      classes: ['on time', 'late'],
      output: { name: 'label', type: 'BYTES', labels: 'places' },
      probabilities: { name: 'shares', width: 2 },
    });
    expect(await labelsFor(bytes, signature, [-2, 2])).toEqual(['on time', 'late']);
  });

  test('are refused in an order that the rows contradict', async () => {
    const caught = await refusal(bytes, { classes, order: ['late', 'on time'] }, truth);
    expect(caught.message).toContain('set build.classes: [on time, late]');
  });

  test('are checked against the rows even without probabilities', async () => {
    const alone = model({ nodes: [...two, greatest], inputs: [x], outputs: [number], initializers: rising });
    expect((await refusal(alone, { classes }, truth)).message).toContain('build.classes: [on time, late]');
    expect((await refusal(alone, { classes, order: classes }, truth)).message).toContain('[on time, late]');
    const signature = await inspect(alone, { classes, order: ['on time', 'late'] }, truth);
    expect(await labelsFor(alone, signature, [-2, 2])).toEqual(['on time', 'late']);
  });
});

describe('integer labels for more than two classes', () => {
  const bytes = model({ nodes: [...three, greatest], inputs: [x], outputs: [number, shares(3)], initializers: steps });

  test("are refused if they differ from the target's classes, and accepted as positions in build.classes", async () => {
    const classes = [10, 20, 30];
    const truth = truthOfThree([30, 10, 20]);
    expect((await refusal(bytes, { classes }, truth)).message).toContain('build.classes: [30, 10, 20]');
    expect((await refusal(bytes, { classes, order: classes }, truth)).message).toContain('build.classes: [30, 10, 20]');
    const signature = await inspect(bytes, { classes, order: [30, 10, 20] }, truth);
    expect(signature.output).toEqual({ name: 'label', type: 'INT64', labels: 'places' });
    expect(await labelsFor(bytes, signature, [-2, 0, 2])).toEqual([30, 10, 20]);
  });

  test('that count from 0 are not confused with the classes of a target that counts from 1', async () => {
    // No row has the first class, so every label happens to equal one of the classes.
    const high = spread.filter((a) => a >= -1);
    const truth = high.map((a) => (a < 1 ? 2 : 3));
    const caught = await refusal(bytes, { classes: [1, 2, 3] }, truth, high);
    expect(caught.message).toContain('counted from 0');
    expect(caught.message).toContain('build.classes: [1, 2, 3]');
    const signature = await inspect(bytes, { classes: [1, 2, 3], order: [1, 2, 3] }, truth, high);
    expect(await labelsFor(bytes, signature, [-2, 0, 2])).toEqual([1, 2, 3]);
  });
});

describe('probabilities alone', () => {
  const bytes = model({ nodes: two, inputs: [x], outputs: [shares(2)], initializers: rising });
  const sigmoid = model({
    nodes: [node('MatMul', ['x', 'w'], ['z']), node('Sigmoid', ['z'], ['p'])],
    inputs: [x],
    outputs: [value('p', 'FLOAT', ['rows', 1])],
    initializers: [floats('w', [1, 1], [3])],
  });

  test.each([
    ['with one column per class', bytes],
    ['with one column', sigmoid],
  ])('of words, %s: only build.classes gives their order, and the rows confirm it', async (_what, given) => {
    const classes = ['late', 'on time'];
    const truth = truthOfTwo('on time', 'late');
    expect((await refusal(given, { classes }, truth)).message).toContain('build.classes: [on time, late]');
    expect((await refusal(given, { classes, order: classes }, truth)).message).toContain('[on time, late]');
    const signature = await inspect(given, { classes, order: ['on time', 'late'] }, truth);
    expect(await labelsFor(given, signature, [-2, 2])).toEqual(['on time', 'late']);
  });

  test.each<[string, ClassValue[]]>([
    ['0 and 1', [0, 1]],
    ['false and true', [false, true]],
  ])('of %s are in their natural order, unless the rows fit another order clearly better', async (_what, classes) => {
    for (const given of [bytes, sigmoid]) {
      const signature = await inspect(given, { classes }, truthOfTwo(classes[0]!, classes[1]!));
      expect(await labelsFor(given, signature, [-2, 2])).toEqual(classes);
      const caught = await refusal(given, { classes }, truthOfTwo(classes[1]!, classes[0]!));
      expect(caught.message).toContain(`build.classes: [${classes.toReversed().join(', ')}]`);
    }
  });

  test('of several classes are refused in an order that the rows contradict', async () => {
    const several = model({ nodes: three, inputs: [x], outputs: [shares(3)], initializers: steps });
    const classes = ['bus', 'car', 'tram'];
    const truth = truthOfThree(['tram', 'bus', 'car']);
    expect((await refusal(several, { classes }, truth)).message).toContain('build.classes: [tram, bus, car]');
    expect((await refusal(several, { classes, order: classes }, truth)).message).toContain('[tram, bus, car]');
    const signature = await inspect(several, { classes, order: ['tram', 'bus', 'car'] }, truth);
    expect(await labelsFor(several, signature, [-2, 0, 2])).toEqual(['tram', 'bus', 'car']);
  });

  test('are accepted in the given order if the rows fit no order, and never in a guessed order', async () => {
    const classes = ['late', 'on time'];
    const truth = spread.map((_, row) => classes[row % 2]!);
    expect((await inspect(bytes, { classes, order: classes }, truth)).classes).toEqual(classes);
    // The rows do not contradict the alphabetical order, but nothing in the model confirms it.
    for (const rows of [truth, truthOfTwo('late', 'on time')])
      expect((await refusal(bytes, { classes }, rows)).message).toContain('nothing in model.onnx shows');
  });

  test('are matched to classes by the labels in the graph', async () => {
    const fixture = classifier('binary-words');
    const graph = onnxProto.onnx.ModelProto.decode(fixture.bytes);
    graph.graph!.output = graph.graph!.output!.filter(({ name }) => name === 'probabilities');
    const alone = new Uint8Array(onnxProto.onnx.ModelProto.encode(graph).finish());
    const artifact = await artifactOf(folder, alone);
    const wanted = { task: 'binary', classes: ['no', 'yes'] } as const;
    const { signature } = await format.inspect({
      artifact,
      features: fixture.features,
      sample: fixture.inputs,
      rows: fixture.rows,
      wanted,
    });
    expect(signature.classes).toEqual(fixture.classes);
    const loaded = await format.load(alone, signature);
    expect((await loaded.predict(batchOfCells(loaded.signature.inputs, fixture.inputs, fixture.rows))).values).toEqual(
      fixture.labels,
    );
    await loaded.release();
  });
});

describe('labels that equal the classes', () => {
  const others = ['on time', 'late'];

  test.each([
    ['two columns', two, rising, shares(2)],
    [
      'one column, of the alphabetically first class',
      [
        node('MatMul', ['x', 'w'], ['z']),
        node('Softmax', ['z'], ['shares']),
        node('Gather', ['shares', 'second'], ['p'], [integerAttribute('axis', 1)]),
      ],
      [...rising, { name: 'second', dims: [1], dataType: onnxProto.onnx.TensorProto.DataType.INT64, int64Data: [1] }],
      value('p', 'FLOAT', ['rows', 1]),
    ],
  ])('reveal the order of the probabilities: %s', async (_what, nodes, initializers, output) => {
    const bytes = model({
      nodes: [...nodes, place, words(others)],
      inputs: [x],
      outputs: [word, output],
      initializers,
      rest: withMachineLearning,
    });
    const signature = await inspect(bytes, { classes: ['late', 'on time'] }, truthOfTwo('on time', 'late'));
    expect(signature).toMatchObject({ classes: others, output: { name: 'label', type: 'BYTES' } });
    expect(signature.output.labels).toBeUndefined();
    expect(await labelsFor(bytes, signature, [-2, 2])).toEqual(others);
    const caught = await refusal(
      bytes,
      { classes: ['late', 'on time'], order: ['late', 'on time'] },
      truthOfTwo('on time', 'late'),
    );
    expect(caught.message).toContain('set build.classes: [on time, late], or remove build.classes');
  });

  test('may be spelled differently, and predictions use the spelling of the data', async () => {
    const python = model({
      nodes: [...two, place, words(['True', 'False'])],
      inputs: [x],
      outputs: [word, shares(2)],
      initializers: rising,
      rest: withMachineLearning,
    });
    const signature = await inspect(python, { classes: [false, true] }, truthOfTwo(true, false));
    expect(signature).toMatchObject({ classes: [true, false], output: { type: 'BOOL', labels: 'spelled' } });
    expect(await labelsFor(python, signature, [-2, 2])).toEqual([true, false]);

    const narrow = model({
      nodes: [
        node('Sign', ['x'], ['sign']),
        node('Mul', ['sign', 'scale'], ['scaled']),
        node('Add', ['scaled', 'middle'], ['y']),
      ],
      inputs: [x],
      outputs: [value('y', 'FLOAT', ['rows', 1])],
      initializers: [floats('scale', [1], [-0.2]), floats('middle', [1], [0.3])],
    });
    const classes = [Math.fround(Math.fround(0.3) - Math.fround(0.2)), 0.5];
    const rounded = await inspect(narrow, { classes }, truthOfTwo(0.5, classes[0]!));
    expect(await labelsFor(narrow, rounded, [-2, 2])).toEqual([0.5, classes[0]]);
  });
});

describe('of several outputs', () => {
  const heads = model({
    nodes: [...two, node('Neg', ['z'], ['n']), node('Softmax', ['n'], ['other'])],
    inputs: [x],
    outputs: [shares(2), value('other', 'FLOAT', ['rows', 2])],
    initializers: rising,
  });

  test('build.output selects the probabilities if two outputs qualify, and the other one is a vector', async () => {
    const truth = truthOfTwo(1, 0);
    const caught = await refusal(heads, { classes: [0, 1] }, truth);
    expect(caught.message).toMatch(/shares, other.*build\.output/);
    const signature = await inspect(heads, { classes: [0, 1], output: 'other' }, truth);
    expect(signature.probabilities?.name).toBe('other');
    expect(signature.vectors).toEqual([{ name: 'shares', type: 'FP32', width: 2 }]);
  });

  test('build.output selects the measured output of a regression', async () => {
    const quantiles = ['q10', 'q50', 'q90'];
    const bytes = model({
      nodes: quantiles.map((name) => node('Mul', ['x', `w-${name}`], [name])),
      inputs: [x],
      outputs: quantiles.map((name) => value(name, 'FLOAT', ['rows', 1])),
      initializers: quantiles.map((name, at) => floats(`w-${name}`, [1], [at + 1])),
    });
    const artifact = await artifactOf(folder, bytes);
    const ask = (output?: string) =>
      format.inspect({
        artifact,
        features: ['a'],
        sample: { a: [1, 2] },
        rows: 2,
        wanted: { task: 'regression', classes: [], output },
      });
    await expect(ask()).rejects.toMatchObject({ message: expect.stringContaining('build.output') });
    await expect(ask('q60')).rejects.toMatchObject({ message: expect.stringMatching(/"q60".*q10 .*q50 .*q90/) });
    const { signature } = await ask('q50');
    expect(signature.output).toEqual({ name: 'q50', type: 'FP32' });
    expect(signature.vectors?.map(({ name }) => name)).toEqual(['q10', 'q90']);
    const loaded = await format.load(bytes, signature);
    const answers = await loaded.predict(batchOfCells(loaded.signature.inputs, { a: [3] }, 1));
    expect([...answers.values]).toEqual([6]);
    expect(answers.vectors).toEqual({ q10: Float64Array.of(3), q90: Float64Array.of(9) });
    await loaded.release();
  });
});

test.each([
  ['skl2onnx', 'raw_scores', 'torch'],
  ['OnnxMLTools', 'booster', 'skl2onnx:'],
  ['pytorch', 'torch.nn.Softmax(dim=1)', 'skl2onnx'],
])('logits are refused with what to change in %s', async (producerName, wanted, other) => {
  const bytes = model({
    nodes: two.slice(0, 1),
    inputs: [x],
    outputs: [value('z', 'FLOAT', ['rows', 2])],
    initializers: rising,
    rest: { producerName },
  });
  const { message } = await refusal(bytes, { classes: ['no', 'yes'] }, truthOfTwo('no', 'yes'));
  expect(message).toContain(wanted);
  expect(message).not.toContain(other);
});
