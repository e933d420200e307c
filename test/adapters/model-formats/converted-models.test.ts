import { batchOfCells } from '../../../contracts/models/batch-of-cells.ts';
import onnxProto from 'onnx-proto';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inlineExternalData } from '../../../adapters/model-formats/onnx/graph/inline-external-data.ts';
import { createOnnxFormat } from '../../../adapters/model-formats/onnx/onnx-format.ts';
import type { Cell } from '../../../contracts/data/data-types.ts';
import type { ClassValue } from '../../../contracts/models/signature.ts';
import type { Answers, InspectedArtifact, WantedAnswers } from '../../../ports/model-format.ts';
import { artifactOf } from '../../support/artifact.ts';
import { classifier } from '../../support/classifiers.ts';
import type { OnnxGraph } from '../../support/onnx-models.ts';
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
} from '../../support/onnx-models.ts';
import { sandboxOfTests, scratchOfTests } from '../../support/sandbox-of-tests.ts';

const { AttributeProto, ModelProto, TensorProto } = onnxProto.onnx;
const format = createOnnxFormat({ sandbox: sandboxOfTests(), scratchFolder: scratchOfTests() });
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-converted-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Given {
  readonly bytes: Uint8Array;
  readonly inputs: Readonly<Record<string, readonly Cell[]>>;
  readonly wanted?: WantedAnswers;
  readonly beside?: Readonly<Record<string, Uint8Array>>;
}

async function inspect({ bytes, inputs, wanted, beside }: Given): Promise<InspectedArtifact> {
  const artifact = await artifactOf(folder, bytes, beside);
  return format.inspect({ artifact, features: Object.keys(inputs), sample: inputs, rows: rowsIn(inputs), wanted });
}

function rowsIn(inputs: Given['inputs']): number {
  return Object.values(inputs)[0]!.length;
}

/** Loads the converted model as gateways and workers do, and returns its predictions. */
async function answers({ inputs }: Given, { converted, signature }: InspectedArtifact): Promise<Answers> {
  const loaded = await format.load(await readFile(converted!), signature);
  try {
    return await loaded.predict(batchOfCells(loaded.signature.inputs, inputs, rowsIn(inputs)));
  } finally {
    await loaded.release();
  }
}

function refusal(given: Given): Promise<Error & { code: string; fields: Record<string, unknown> }> {
  return inspect(given).then(
    () => Promise.reject(new Error('it was accepted')),
    (caught: Error & { code: string; fields: Record<string, unknown> }) => caught,
  );
}

describe('a ZipMap is removed', () => {
  test('a scikit-learn classifier keeps its labels and probabilities', async () => {
    const { bytes, inputs, classes, labels, probabilities } = classifier('binary-zipmap');
    const given: Given = { bytes, inputs, wanted: { task: 'binary', classes } };
    const inspected = await inspect(given);
    expect(inspected.notes).toEqual([expect.stringContaining('the ZipMap of the output "output_probability"')]);
    expect(inspected.signature).toMatchObject({
      classes,
      output: { name: 'output_label', type: 'BYTES' },
      probabilities: { name: 'probabilities', width: 2 },
    });
    const answered = await answers(given, inspected);
    expect(Array.from<ClassValue>(answered.values)).toEqual(labels);
    for (const [at, share] of probabilities!.flat().entries())
      expect(answered.probabilities![at]).toBeCloseTo(share, 5);
  });

  test('the classes in the ZipMap identify the columns if nothing else does', async () => {
    const graph: OnnxGraph = {
      nodes: [
        node('MatMul', ['x', 'w'], ['z']),
        node('Softmax', ['z'], ['shares']),
        zipMap('shares', 'mapped', ['on time', 'late']),
      ],
      inputs: [value('x', 'FLOAT', ['rows', 1])],
      outputs: [listOfMaps('mapped')],
      initializers: [floats('w', [1, 2], [-1, 1])],
      rest: withMachineLearning,
    };
    const given: Given = {
      bytes: model(graph),
      inputs: { x: [-2, 2] },
      wanted: { task: 'binary', classes: ['late', 'on time'] },
    };
    const inspected = await inspect(given);
    expect(inspected.signature.classes).toEqual(['on time', 'late']);
    expect((await answers(given, inspected)).values).toEqual(['on time', 'late']);
  });
});

describe('float16', () => {
  test('is cast at inputs and outputs, also when subgraphs use them', async () => {
    const branch = (name: string, operator: string) => ({
      name,
      type: AttributeProto.AttributeType.GRAPH,
      // The subgraph reads an input of the outer graph.
      g: { name, node: [node(operator, ['a'], [`${name}-y`])], output: [value(`${name}-y`, 'FLOAT16', ['rows', 1])] },
    });
    const bytes = model({
      nodes: [
        node('If', ['yes'], ['picked'], [branch('then_branch', 'Neg'), branch('else_branch', 'Abs')]),
        node('Add', ['picked', 'b'], ['y']),
      ],
      inputs: [value('a', 'FLOAT16', ['rows', 1]), value('b', 'FLOAT16', ['rows', 1])],
      outputs: [value('y', 'FLOAT16', ['rows', 1])],
      initializers: [{ name: 'yes', dims: [], dataType: TensorProto.DataType.BOOL, int32Data: [1] }],
    });
    const given: Given = { bytes, inputs: { a: [1, 2.5], b: [10, 0.1] } };
    const inspected = await inspect(given);
    expect(inspected.signature.inputs.map(({ type }) => type)).toEqual(['FP32', 'FP32']);
    const { values } = await answers(given, inspected);
    expect(values[0]).toBe(9);
    expect(values[1]).toBeCloseTo(-2.4, 2);
  });
});

describe('external tensors in a plain file beside the model', () => {
  const linear = (location: string, range?: Record<string, string>, dims = [2, 1]) =>
    model({
      nodes: [node('MatMul', ['x', 'weights'], ['y'])],
      inputs: [value('x', 'FLOAT', ['rows', 2])],
      outputs: [value('y', 'FLOAT', ['rows', 1])],
      initializers: [externalTensor('weights', dims, location, range)],
    });
  const inputs = { temp: [1, 2, 3], hum: [0.5, 0.25, 0] };
  const weights = (...numbers: number[]) => new Uint8Array(Float32Array.from(numbers).buffer);
  const beside = { 'weights.bin': weights(9, 9, 2, 1) };

  test('are embedded, so that every process loads a single model file', async () => {
    const ranges: Record<string, string>[] = [{ offset: '8' }, { offset: '8', length: '8' }];
    for (const range of ranges) {
      const given: Given = { bytes: linear('weights.bin', range), inputs, beside };
      const inspected = await inspect(given);
      expect(inspected.notes).toEqual([expect.stringContaining('copied into the model')]);
      expect([...(await answers(given, inspected)).values]).toEqual([2.5, 4.25, 6]);
      const { graph } = ModelProto.decode(await readFile(inspected.converted!));
      expect(graph!.initializer![0]).toMatchObject({ name: 'weights', externalData: [] });
    }
  });

  test('are embedded from any place in the model', async () => {
    const constant = node(
      'Constant',
      [],
      ['weights'],
      [{ name: 'value', type: AttributeProto.AttributeType.TENSOR, t: externalTensor('inner', [2, 1], 'weights.bin') }],
    );
    const bytes = model({
      nodes: [constant, node('MatMul', ['x', 'weights'], ['y'])],
      inputs: [value('x', 'FLOAT', ['rows', 2])],
      outputs: [value('y', 'FLOAT', ['rows', 1])],
    });
    const given: Given = { bytes, inputs, beside: { 'weights.bin': weights(2, 1) } };
    expect([...(await answers(given, await inspect(given))).values]).toEqual([2.5, 4.25, 6]);
  });

  test('are named in the error if their file is missing', async () => {
    const caught = await refusal({ bytes: linear('other.bin'), inputs, beside });
    expect(caught).toMatchObject({ code: 'artifact-invalid', fields: { tensor: 'weights', beside: ['other.bin'] } });
    expect(caught.message).toContain('the output folder has no such plain file');
  });

  test.each([
    '../weights.bin',
    '/etc/passwd',
    './weights.bin',
    'data/weights.bin',
    'C:\\weights',
    '..',
    '.',
    '',
    'a\0b',
  ])('are refused at the place %j', async (location) => {
    const caught = await refusal({ bytes: linear(location), inputs, beside });
    expect(caught).toMatchObject({ code: 'artifact-invalid', fields: { tensor: 'weights' } });
    expect(caught.fields.beside).toBeUndefined();
  });

  test.each<[string, Record<string, string>, number[]]>([
    ['an offset beyond the end', { offset: '12' }, [2, 1]],
    ['an offset far beyond the end', { offset: '999999999999999' }, [2, 1]],
    ['a negative offset', { offset: '-8' }, [2, 1]],
    ['an offset that is not a number', { offset: '0x8' }, [2, 1]],
    ['a length that does not match the shape', { length: '4' }, [2, 1]],
    ['the largest possible length', { length: '18446744073709551615' }, [2, 1]],
    ['a shape larger than the file', {}, [2, 1000]],
    ['a negative shape', {}, [-2, 1]],
    ['a shape that overflows', {}, [2 ** 31, 2 ** 31]],
    ['two locations', { location: 'other.bin' }, [2, 1]],
  ])('are refused with %s', async (_what, range, dims) => {
    expect((await refusal({ bytes: linear('weights.bin', range, dims), inputs, beside })).code).toBe(
      'artifact-invalid',
    );
  });

  test('are refused if together they exceed the size limit of a model, even if they share a file', async () => {
    const large = Array.from({ length: 8 }, (_, at) => externalTensor(`w${at}`, [2 ** 26], 'weights.bin'));
    const bytes = model({
      nodes: [node('Neg', ['x'], ['y'])],
      inputs: [value('x', 'FLOAT', ['rows', 2])],
      outputs: [value('y', 'FLOAT', ['rows', 2])],
      initializers: large,
    });
    const caught = await refusal({ bytes, inputs, beside });
    expect(caught.message).toContain('more than 2147483647 bytes, the limit of the ONNX format');
  });

  test('are refused if their file is a link, even to a file with the right bytes', async () => {
    const [file, link] = [join(folder, 'plain.bin'), join(folder, 'link.bin')];
    await writeFile(file, weights(2, 1));
    await symlink(file, link);
    const bytes = linear('weights.bin');
    expect(inlineExternalData(bytes, { 'weights.bin': file })).not.toEqual(bytes);
    expect(() => inlineExternalData(bytes, { 'weights.bin': link })).toThrow(/ELOOP/);
  });
});

test('a model that needs no conversion stays unchanged', async () => {
  const bytes = model({
    nodes: [node('Cast', ['x'], ['y'], [integerAttribute('to', TensorProto.DataType.FLOAT)])],
    inputs: [value('x', 'INT32', ['rows', 1])],
    outputs: [value('y', 'FLOAT', ['rows', 1])],
  });
  expect(await inspect({ bytes, inputs: { x: [1, 2] } })).toMatchObject({ converted: null, notes: [] });
});
