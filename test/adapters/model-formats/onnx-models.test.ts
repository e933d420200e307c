import { batchOfCells } from '../../../contracts/models/batch-of-cells.ts';
import onnxProto from 'onnx-proto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOnnxFormat } from '../../../adapters/model-formats/onnx/onnx-format.ts';
import type { Cell } from '../../../contracts/data/data-types.ts';
import type { Signature } from '../../../contracts/models/signature.ts';
import { artifactOf } from '../../support/artifact.ts';
import {
  columnsModel,
  externalModel,
  externalTensor,
  floats,
  integerAttribute,
  linearModel,
  logarithmModel,
  model,
  node,
  value,
} from '../../support/onnx-models.ts';
import { sandboxOfTests, scratchOfTests } from '../../support/sandbox-of-tests.ts';

const { AttributeProto } = onnxProto.onnx;
const features = ['temp', 'hum'];
const weights = { features, weights: [2, -1], bias: 10 };
const sample = { temp: [1, 2, 3], hum: [0.5, 0.25, 0] };
const sandbox = sandboxOfTests();
const scratchFolder = scratchOfTests();
const format = createOnnxFormat({ sandbox, scratchFolder });
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-onnx-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function inspect(
  bytes: Uint8Array,
  given: { names?: readonly string[]; rows?: Record<string, Cell[]>; with?: typeof format } = {},
): Promise<Signature> {
  const artifact = await artifactOf(folder, bytes);
  const rows: Record<string, Cell[]> = given.rows ?? sample;
  const count = Object.values(rows)[0]?.length ?? 0;
  return (
    await (given.with ?? format).inspect({ artifact, features: given.names ?? features, sample: rows, rows: count })
  ).signature;
}

function refusal(bytes: Uint8Array, given?: Parameters<typeof inspect>[1]) {
  return inspect(bytes, given).then(
    () => Promise.reject(new Error('the model was accepted')),
    (caught: Error & { code: string }) => caught,
  );
}

describe('an artifact on its first load', () => {
  test('with one matrix of all features has the layout matrix, and predicts according to its weights', async () => {
    const bytes = linearModel(weights);
    const signature = await inspect(bytes);
    expect(signature).toEqual({
      schemaVersion: 1,
      layout: 'matrix',
      inputName: 'x',
      inputs: [
        { name: 'temp', type: 'FP32' },
        { name: 'hum', type: 'FP32' },
      ],
      output: { name: 'y', type: 'FP32' },
    });
    const loaded = await format.load(bytes, signature);
    expect([...(await loaded.predict(batchOfCells(loaded.signature.inputs, sample, 3))).values]).toEqual([
      11.5, 13.75, 16,
    ]);
    await loaded.release();
  });

  test('in double precision predicts in double precision', async () => {
    const bytes = linearModel({ ...weights, bias: 0.1 }, 'DOUBLE');
    const signature = await inspect(bytes);
    expect(signature.output.type).toBe('FP64');
    const loaded = await format.load(bytes, signature);
    expect([
      ...(await loaded.predict(batchOfCells(loaded.signature.inputs, { temp: [0], hum: [0] }, 1))).values,
    ]).toEqual([0.1]);
    await loaded.release();
  });

  test('with one input per feature has the layout columns, whatever the order in the graph', async () => {
    const bytes = columnsModel(weights);
    const signature = await inspect(bytes, { names: ['hum', 'temp'] });
    expect(signature.layout).toBe('columns');
    expect(signature.inputs.map((input) => input.name)).toEqual(['hum', 'temp']);
    const loaded = await format.load(bytes, signature);
    expect([...(await loaded.predict(batchOfCells(loaded.signature.inputs, sample, 3))).values]).toEqual([
      11.5, 13.75, 16,
    ]);
    await loaded.release();
  });

  test.each(['INT8', 'UINT8', 'INT16', 'UINT16', 'INT32', 'UINT32', 'UINT64', 'DOUBLE'] as const)(
    'gets numbers of its input type %s, also with shape [rows], and refuses numbers that the type cannot hold',
    async (type) => {
      const bytes = model({
        nodes: [node('Cast', ['count'], ['y'], [integerAttribute('to', onnxProto.onnx.TensorProto.DataType.FLOAT)])],
        inputs: [value('count', type, ['rows'])],
        outputs: [value('y', 'FLOAT', ['rows'])],
      });
      const signature = await inspect(bytes, { names: ['count'], rows: { count: [1, 2] } });
      const loaded = await format.load(bytes, signature);
      expect([...(await loaded.predict(batchOfCells(loaded.signature.inputs, { count: [3, 100] }, 2))).values]).toEqual(
        [3, 100],
      );
      if (type !== 'DOUBLE')
        for (const beyond of [-(2 ** 40), 0.5, '99999999999999999999'])
          await expect(async () =>
            loaded.predict(batchOfCells(loaded.signature.inputs, { count: [beyond] }, 1)),
          ).rejects.toMatchObject({
            code: 'prediction-invalid',
            message: expect.stringContaining(`an integer in the range of ${type.toLowerCase()}`),
          });
      await loaded.release();
    },
  );

  test('with a single [rows] input gets its only feature even if the names differ', async () => {
    const bytes = model({
      nodes: [node('Neg', ['x'], ['y'])],
      inputs: [value('x', 'INT32', ['rows'])],
      outputs: [value('y', 'INT32', ['rows'])],
    });
    const signature = await inspect(bytes, { names: ['temp'], rows: { temp: [1, 2] } });
    expect(signature).toMatchObject({ layout: 'matrix', inputs: [{ type: 'INT64', integer: 'int32', rank: 1 }] });
    const loaded = await format.load(bytes, signature);
    expect([...(await loaded.predict(batchOfCells(loaded.signature.inputs, { temp: [7] }, 1))).values]).toEqual([-7]);
    await loaded.release();
  });

  test('is accepted if its output has another number of rows than it declares', async () => {
    const bytes = model({
      nodes: [node('MatMul', ['x', 'w'], ['y'])],
      inputs: [value('x', 'FLOAT', ['rows', 2])],
      outputs: [value('y', 'FLOAT', [1, 1])],
      initializers: [floats('w', [2, 1], [1, 1])],
    });
    expect((await inspect(bytes)).output.name).toBe('y');
  });

  test('with outputs besides the prediction is accepted', async () => {
    const bytes = model({
      nodes: [node('MatMul', ['x', 'w'], ['y']), node('Softmax', ['x'], ['shares'])],
      inputs: [value('x', 'FLOAT', ['rows', 2])],
      outputs: [value('shares', 'FLOAT', ['rows', 2]), value('y', 'FLOAT', ['rows', 1])],
      initializers: [floats('w', [2, 1], [1, 1])],
    });
    expect((await inspect(bytes)).output.name).toBe('y');
  });

  test('with unexpected inputs is refused with the inputs found and the inputs expected', async () => {
    const caught = await refusal(columnsModel({ features: ['temp', 'wind'], weights: [1, 1], bias: 0 }));
    expect(caught.code).toBe('artifact-invalid');
    expect(caught.message).toContain('Found: temp float32[rows, 1], wind float32[rows, 1]');
    expect(caught.message).toContain('temp, hum');
    expect((await refusal(linearModel({ features: ['a', 'b', 'c'], weights: [1, 1, 1], bias: 0 }))).message).toContain(
      'Found: x float32[rows, 3]. Expected: one input [rows, 2]',
    );
  });

  test('with a fixed number of rows is refused, because rows are batched', async () => {
    const fixed = (producerName = '') =>
      model({
        nodes: [node('MatMul', ['x', 'w'], ['y'])],
        inputs: [value('x', 'FLOAT', [1, 2])],
        outputs: [value('y', 'FLOAT', [1, 1])],
        initializers: [floats('w', [2, 1], [1, 1])],
        rest: { producerName },
      });
    expect((await refusal(fixed())).message).toContain('the number of rows is not fixed');
    const advice = {
      skl2onnx: 'FloatTensorType([None, n])',
      OnnxMLTools: 'onnxmltools: initial_types',
      pytorch: "dynamic_axes={'x': {0: 'batch'}}",
    };
    for (const [producer, wanted] of Object.entries(advice))
      expect((await refusal(fixed(producer))).message).toContain(wanted);
  });

  test('without an output of one number per row is refused', async () => {
    const shares = model({
      nodes: [node('Softmax', ['x'], ['y'])],
      inputs: [value('x', 'FLOAT', ['rows', 2])],
      outputs: [value('y', 'FLOAT', ['rows', 2])],
    });
    const caught = await refusal(shares);
    expect(caught.code).toBe('artifact-invalid');
    expect(caught.message).toContain('Found: y float32[rows, 2]');
  });

  test('that predicts NaN is refused with the row', async () => {
    const caught = await refusal(logarithmModel(), { names: ['temp'], rows: { temp: [1, -1] } });
    expect(caught.code).toBe('prediction-invalid');
    expect(caught.message).toContain('row 1 with NaN');
  });

  test('with numeric inputs refuses a text feature by name', async () => {
    const caught = await refusal(linearModel(weights), { rows: { temp: [1], hum: ['damp'] } });
    expect(caught.code).toBe('prediction-invalid');
    expect(caught.message).toContain('feature "hum", row 0');
  });

  test('that is not ONNX is refused', async () => {
    const whole = linearModel(weights);
    for (const bytes of [
      new Uint8Array(),
      Buffer.from('not a model'),
      whole.subarray(0, whole.length - 7),
      new Uint8Array(64).fill(0xff),
    ])
      expect((await refusal(bytes)).code).toBe('artifact-invalid');
  });
});

describe('a tensor in another file is refused by name', () => {
  const x = value('x', 'FLOAT', ['rows', 2]);
  const y = value('y', 'FLOAT', ['rows', 1]);
  const elsewhere = externalTensor('elsewhere', [2, 1], '../secrets');
  const tensorType = AttributeProto.AttributeType.TENSOR;
  const constant = node('Constant', [], ['w'], [{ name: 'value', type: tensorType, t: elsewhere }]);
  const multiply = node('MatMul', ['x', 'w'], ['y']);
  const sound = { nodes: [multiply], inputs: [x], outputs: [y], initializers: [floats('w', [2, 1], [1, 1])] };

  test.each([
    ['an initializer', externalModel(), 'weights'],
    ['an attribute', model({ nodes: [constant, multiply], inputs: [x], outputs: [y] }), 'elsewhere'],
    [
      'a subgraph',
      model({
        ...sound,
        nodes: [
          node(
            'If',
            ['x'],
            ['y'],
            [
              {
                name: 'then_branch',
                type: AttributeProto.AttributeType.GRAPH,
                g: { name: 'then', initializer: [elsewhere] },
              },
            ],
          ),
        ],
      }),
      'elsewhere',
    ],
    ['a function', model({ ...sound, rest: { functions: [{ name: 'f', node: [constant] }] } }), 'elsewhere'],
    [
      'training information',
      model({ ...sound, rest: { trainingInfo: [{ algorithm: { name: 'a', initializer: [elsewhere] } }] } }),
      'elsewhere',
    ],
    [
      'a sparse attribute',
      model({
        ...sound,
        nodes: [
          node(
            'Constant',
            [],
            ['w'],
            [
              {
                name: 'sparse_value',
                type: AttributeProto.AttributeType.SPARSE_TENSOR,
                sparseTensor: { values: elsewhere },
              },
            ],
          ),
        ],
      }),
      'elsewhere',
    ],
  ])('in %s', async (_where, bytes, name) => {
    const caught = await refusal(bytes);
    expect(caught.code).toBe('artifact-invalid');
    expect(caught.message).toContain(`the tensor "${name}" in another file`);
    await expect(
      format.load(bytes, {
        schemaVersion: 1,
        layout: 'matrix',
        inputName: 'x',
        inputs: [],
        output: { name: 'y', type: 'FP32' },
      }),
    ).rejects.toMatchObject({ code: 'artifact-invalid' });
  });

  test('in a field that older decoders do not know, the default of a function', async () => {
    const attribute = AttributeProto.encode({ name: 'value', type: tensorType, t: elsewhere }).finish();
    const whole = model({ ...sound, rest: { functions: [{ name: 'f' }] } });
    // FunctionProto.attribute_proto is field 11, encoded as tag, length and bytes. The function is the last part of the
    // model.
    const inner = Buffer.concat([Buffer.from([10, 1, 0x66, (11 << 3) | 2, attribute.length]), attribute]);
    const at = Buffer.from(whole).lastIndexOf(Buffer.from([0xca, 0x01, 3, 10, 1, 0x66]));
    expect(at).toBeGreaterThan(0);
    const planted = Buffer.concat([
      whole.subarray(0, at),
      Buffer.from([0xca, 0x01, inner.length]),
      inner,
      whole.subarray(at + 6),
    ]);
    expect((await refusal(planted)).message).toContain('the tensor "elsewhere"');
  });
});

describe('a hostile artifact', () => {
  const endless = () => {
    const condition = value('condition', 'BOOL', []);
    const step = value('i', 'INT64', []);
    const body = {
      name: 'body',
      node: [node('Identity', ['condition'], ['go']), node('Identity', ['state'], ['next'])],
      input: [step, condition, value('state', 'FLOAT', ['rows', 1])],
      output: [value('go', 'BOOL', []), value('next', 'FLOAT', ['rows', 1])],
    };
    return model({
      nodes: [
        node('Loop', ['', 'yes', 'x'], ['y'], [{ name: 'body', type: AttributeProto.AttributeType.GRAPH, g: body }]),
      ],
      inputs: [value('x', 'FLOAT', ['rows', 1])],
      outputs: [value('y', 'FLOAT', ['rows', 1])],
      initializers: [{ name: 'yes', dims: [], dataType: onnxProto.onnx.TensorProto.DataType.BOOL, int32Data: [1] }],
    });
  };
  const huge = () =>
    model({
      nodes: [
        node('ConstantOfShape', ['size'], ['zeros']),
        node('ReduceSum', ['zeros'], ['sum']),
        node('Add', ['x', 'sum'], ['y']),
      ],
      inputs: [value('x', 'FLOAT', ['rows', 1])],
      outputs: [value('y', 'FLOAT', ['rows', 1])],
      initializers: [
        { name: 'size', dims: [2], dataType: onnxProto.onnx.TensorProto.DataType.INT64, int64Data: [30_000, 30_000] },
      ],
    });

  test('that never finishes is stopped, and the error says that it took too long', async () => {
    const impatient = createOnnxFormat({ sandbox, scratchFolder, timeLimitMs: 2_000 });
    const caught = await refusal(endless(), { names: ['x'], rows: { x: [1] }, with: impatient });
    expect(caught.code).toBe('artifact-invalid');
    expect(caught.message).toContain('took longer than 2 s');
  });

  test.runIf(process.platform === 'linux')('that needs more memory than allowed is refused', async () => {
    const small = createOnnxFormat({ sandbox, scratchFolder, memoryMebibytes: 1024 });
    const caught = await refusal(huge(), { names: ['x'], rows: { x: [1] }, with: small });
    expect(['artifact-invalid', 'prediction-invalid']).toContain(caught.code);
  });

  test('is refused without revealing a path of this machine', async () => {
    for (const bytes of [
      Buffer.from('not a model'),
      huge(),
      model({
        nodes: [node('Nonsense', ['x'], ['y'])],
        inputs: [value('x', 'FLOAT', ['rows', 2])],
        outputs: [value('y', 'FLOAT', ['rows', 1])],
      }),
    ]) {
      const small = createOnnxFormat({ sandbox, scratchFolder, memoryMebibytes: 1024 });
      const { message } = await refusal(bytes, { with: small });
      expect(message).not.toContain(folder);
      expect(message).not.toMatch(/\/[a-z_]+\/[a-z_]+/);
    }
  });
});

test('a loaded model refuses to return a value that is not a number', async () => {
  const bytes = logarithmModel();
  const signature = await inspect(bytes, { names: ['temp'], rows: { temp: [1] } });
  const loaded = await format.load(bytes, signature);
  await expect(loaded.predict(batchOfCells(loaded.signature.inputs, { temp: [1, 0] }, 2))).rejects.toMatchObject({
    code: 'prediction-invalid',
  });
  await expect(async () =>
    loaded.predict(batchOfCells(loaded.signature.inputs, { temp: [1] }, 2)),
  ).rejects.toMatchObject({ code: 'prediction-invalid' });
  await loaded.release();
});
