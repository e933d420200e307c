import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Signature } from '../../contracts/models/signature.ts';
import { integerAttribute, linearModel, model, node, value } from '../support/onnx-models.ts';
import type { ServingGround, TestGateway } from '../support/serving-ground.ts';
import { layServingGround, startTestGateway } from '../support/serving-ground.ts';
import { sumModel, sumSignature } from '../support/sum-model.ts';

let ground: ServingGround;
let serving: TestGateway;

const numbered = ['0', '1', '2'];
/** Doubles its number, and answers with its text and with whether the truth value is true. */
const mixed = model({
  nodes: [
    node('Cast', ['fresh'], ['y'], [integerAttribute('to', 7)]),
    node('Add', ['count', 'count'], ['twice']),
    node('Cast', ['twice'], ['double'], [integerAttribute('to', 11)]),
  ],
  inputs: [
    value('fresh', 'BOOL', ['rows', 1]),
    value('city', 'STRING', ['rows', 1]),
    value('count', 'INT64', ['rows', 1]),
  ],
  outputs: [value('y', 'INT64', ['rows', 1]), value('double', 'DOUBLE', ['rows', 1])],
});
const mixedSignature: Signature = {
  schemaVersion: 1,
  layout: 'columns',
  inputs: [
    { name: 'fresh', type: 'BOOL' },
    { name: 'city', type: 'BYTES' },
    { name: 'count', type: 'INT64' },
  ],
  output: { name: 'y', type: 'INT64' },
  vectors: [{ name: 'double', type: 'FP64', width: 1 }],
};

beforeAll(async () => {
  ground = await layServingGround();
  await ground.deployModel(sumModel, sumSignature);
  await ground.deployModel(mixed, mixedSignature, 100, await ground.rehearsal('mixed'));
  await ground.deployModel(
    linearModel({ features: numbered, weights: [1, 10, 100], bias: 0 }),
    {
      schemaVersion: 1,
      layout: 'matrix',
      inputName: 'x',
      inputs: numbered.map((name) => ({ name, type: 'FP32', missing: true })),
      output: { name: 'y', type: 'FP32' },
    },
    100,
    await ground.rehearsal('numbered'),
  );
  serving = await startTestGateway(ground);
});
afterAll(async () => {
  await serving.close();
  await ground.stop();
});

interface BinaryInput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

const textsOf = (texts: readonly string[]): Uint8Array =>
  Buffer.concat(texts.flatMap((text) => [bytesOf(Uint32Array.of(Buffer.byteLength(text))), Buffer.from(text, 'utf8')]));

/** Returns a body as the extension describes it, and its headers. */
function bodyOf(inputs: readonly BinaryInput[], asked: Record<string, unknown> = {}) {
  const json = JSON.stringify({
    inputs: inputs.map(({ bytes, ...input }) => ({ ...input, parameters: { binary_data_size: bytes.length } })),
    ...asked,
  });
  return {
    body: Buffer.concat([Buffer.from(json), ...inputs.map(({ bytes }) => bytes)]),
    headers: { 'inference-header-content-length': String(Buffer.byteLength(json)) } as Record<string, string>,
  };
}

async function send({ body, headers }: { body: Uint8Array; headers: Record<string, string> }, environment?: string) {
  const answer = await fetch(`${serving.gateway.address}/v2/models/bike/infer`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: {
      authorization: `Bearer ${ground.key}`,
      'content-type': 'application/octet-stream',
      ...headers,
      ...(environment === undefined ? {} : { 'perennial-environment': environment }),
    },
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const length = answer.headers.get('inference-header-content-length');
  const json = JSON.parse(bytes.subarray(0, length === null ? bytes.length : Number(length)).toString());
  return { status: answer.status, json, behind: length === null ? Buffer.alloc(0) : bytes.subarray(Number(length)) };
}

const floats = (name: string, values: readonly number[]): BinaryInput => ({
  name,
  datatype: 'FP32',
  shape: [values.length],
  bytes: bytesOf(Float32Array.from(values)),
});

const numbersIn = (behind: Buffer): number[] => [...new Float32Array(Uint8Array.from(behind).buffer)];

test('inputs and outputs may be binary, each by itself', async () => {
  const binary = { outputs: [{ name: 'y', parameters: { binary_data: true } }] };
  const both = await send(bodyOf([floats('a', [1, 2]), floats('b', [10, 20])], binary));
  expect(both.json.outputs).toEqual([{ name: 'y', shape: [2], datatype: 'FP32', parameters: { binary_data_size: 8 } }]);
  expect(numbersIn(both.behind)).toEqual([11, 22]);
  const inputsOnly = await send(bodyOf([floats('a', [1]), floats('b', [2])]));
  expect(inputsOnly.json.outputs[0].data).toEqual([3]);
  const inputs = ['a', 'b'].map((name) => ({ name, datatype: 'FP32', shape: [1], data: [4] }));
  const asked = { inputs, parameters: { binary_data_output: true } };
  const outputsOnly = await send({ body: Buffer.from(JSON.stringify(asked)), headers: {} });
  expect(numbersIn(outputsOnly.behind).slice(0, 1)).toEqual([8]);
});

test('a named output may be JSON although the request asks for binary ones', async () => {
  const asked = {
    outputs: [{ name: 'y', parameters: { binary_data: false } }],
    parameters: { binary_data_output: true },
  };
  const { json, behind } = await send(bodyOf([floats('a', [1]), floats('b', [2])], asked));
  expect(json.outputs).toEqual([{ name: 'y', shape: [1], datatype: 'FP32', data: [3] }]);
  expect(behind).toHaveLength(0);
});

test('a compressed body holds binary tensors too', async () => {
  const { body, headers } = bodyOf([floats('a', [1]), floats('b', [2])]);
  const { json } = await send({ body: gzipSync(body), headers: { ...headers, 'content-encoding': 'gzip' } });
  expect(json.outputs[0].data).toEqual([3]);
});

test('texts, truth values and long integers are read and answered', async () => {
  const inputs = [
    { name: 'fresh', datatype: 'BOOL', shape: [2], bytes: Uint8Array.of(1, 0) },
    { name: 'city', datatype: 'BYTES', shape: [2, 1], bytes: textsOf(['Graz', '日本']) },
    { name: 'count', datatype: 'INT64', shape: [2], bytes: bytesOf(BigInt64Array.of(21n, -(2n ** 52n))) },
  ];
  const { json, behind } = await send(bodyOf(inputs, { parameters: { binary_data_output: true } }), 'mixed');
  expect(json.outputs).toEqual([
    { name: 'y', shape: [2], datatype: 'INT64', parameters: { binary_data_size: 16 } },
    { name: 'double', shape: [2, 1], datatype: 'FP64', parameters: { binary_data_size: 16 } },
  ]);
  const own = Uint8Array.from(behind).buffer;
  expect([...new BigInt64Array(own, 0, 2)]).toEqual([1n, 0n]);
  expect([...new Float64Array(own, 16, 2)]).toEqual([42, -(2 ** 53)]);
});

test.each([
  ['UINT8', Uint8Array.of(1, 2, 3)],
  ['INT16', Int16Array.of(1, 2, 3)],
  ['FP16', Float16Array.of(1, 2, 3)],
  ['FP64', Float64Array.of(1, 2, 3)],
  ['UINT64', BigUint64Array.of(1n, 2n, 3n)],
])('a matrix of %s is read in row order', async (datatype, matrix) => {
  const input = { name: 'x', datatype, shape: [1, 3], bytes: bytesOf(matrix) };
  expect((await send(bodyOf([input]), 'numbered')).json.outputs[0].data).toEqual([321]);
});

test('NaN is a missing value, and a row without an answer is NaN', async () => {
  const input = {
    name: 'x',
    datatype: 'FP32',
    shape: [2, 3],
    bytes: bytesOf(Float32Array.of(1, Number.NaN, 3, 1, 1, 1)),
  };
  const { json, behind } = await send(bodyOf([input], { parameters: { binary_data_output: true } }), 'numbered');
  expect(numbersIn(behind)).toEqual([Number.NaN, 111]);
  expect(json.parameters.errors).toMatchObject([{ row: 0, output: 'y' }]);
});

describe('a body of several megabytes', () => {
  const rows = 10_000;
  // Wide enough that the thread for large bodies reads it.
  const matrix = Float64Array.from({ length: rows * 3 }, (_, at) => at % 7);
  const sumOf = (row: number): number =>
    (matrix[row * 3] ?? 0) + 10 * (matrix[row * 3 + 1] ?? 0) + 100 * (matrix[row * 3 + 2] ?? 0);
  const wanted = Array.from({ length: rows }, (_, row) => sumOf(row));

  test('is answered as binary tensors', async () => {
    const input = { name: 'x', datatype: 'FP64', shape: [rows, 3], bytes: bytesOf(matrix) };
    expect(input.bytes.length).toBeGreaterThan(200_000);
    const { json, behind } = await send(
      bodyOf([input], { parameters: { binary_data_output: true, padding: 'x'.repeat(100_000) } }),
      'numbered',
    );
    expect(json.parameters.prediction_ids).toHaveLength(rows);
    expect(numbersIn(behind)).toEqual(wanted);
  });

  test('is answered as JSON', async () => {
    const inputs = [{ name: 'x', datatype: 'FP64', shape: [rows, 3], data: [...matrix].map((at) => at + 0) }];
    const body = Buffer.from(
      JSON.stringify({ inputs, id: 'x'.repeat(200), parameters: { padding: 'x'.repeat(250_000) } }),
    );
    const { json } = await send({ body, headers: {} }, 'numbered');
    expect(json.id).toBe('x'.repeat(200));
    expect(json.outputs[0].data).toEqual(wanted);
  });

  test('is refused with the feature and the row of a wrong value', async () => {
    const data = [...matrix].map((number, at) => (at === 29_999 ? 'much' : number));
    const inputs = [{ name: 'x', datatype: 'FP64', shape: [rows, 3], data }];
    const body = Buffer.from(JSON.stringify({ inputs, parameters: { padding: 'x'.repeat(250_000) } }));
    const { status, json } = await send({ body, headers: {} }, 'numbered');
    expect({ status, error: json.error }).toMatchObject({
      status: 400,
      error: expect.stringContaining('feature "2", row 9999'),
    });
  });
});

test.each([
  ['bytes that are missing', [floats('a', [1]), { ...floats('b', [1]), bytes: new Uint8Array(0) }], 'have 4'],
  ['another size than the shape has', [{ ...floats('a', [1]), shape: [2] }, floats('b', [1])], 'input "a"'],
  ['a datatype that is not known', [{ ...floats('a', [1]), datatype: 'BF16' }, floats('b', [1])], 'BF16'],
])('%s: refused by name', async (_what, inputs, message) => {
  const { status, json } = await send(bodyOf(inputs));
  expect({ status, error: json.error }).toEqual({ status: 400, error: expect.stringContaining(message) });
});

test('bytes behind the last tensor, a header that does not fit, and values in two forms are refused', async () => {
  const { body, headers } = bodyOf([floats('a', [1]), floats('b', [1])]);
  const longer = await send({ body: Buffer.concat([body, Buffer.alloc(3)]), headers });
  expect(longer).toMatchObject({
    status: 400,
    json: { error: expect.stringContaining('3 bytes after its last tensor') },
  });
  for (const length of ['999999', '-1', 'x'])
    expect(await send({ body, headers: { 'inference-header-content-length': length } })).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining('Inference-Header-Content-Length') },
    });
  expect(await send({ body, headers: {} })).toMatchObject({ status: 400 });
  const twice = [{ name: 'a', datatype: 'FP32', shape: [1], data: [1], parameters: { binary_data_size: 4 } }];
  const json = JSON.stringify({ inputs: twice });
  expect(await send({ body: Buffer.from(json), headers: {} })).toMatchObject({
    status: 400,
    json: { error: expect.stringContaining('not as both') },
  });
});

test.each([
  ['shorter than its length says', Uint8Array.of(9, 0, 0, 0, 65)],
  ['cut inside a length', Uint8Array.of(1, 0, 0)],
  ['not UTF-8', Uint8Array.of(1, 0, 0, 0, 255)],
  ['more than the shape has', textsOf(['a', 'b'])],
  ['fewer than the shape has', new Uint8Array(0)],
])('a text that is %s is refused by input', async (_what, bytes) => {
  const inputs = [
    { name: 'city', datatype: 'BYTES', shape: [1], bytes },
    { name: 'fresh', datatype: 'BOOL', shape: [1], bytes: Uint8Array.of(1) },
    { name: 'count', datatype: 'INT64', shape: [1], bytes: bytesOf(BigInt64Array.of(1n)) },
  ];
  const { status, json } = await send(bodyOf(inputs), 'mixed');
  expect({ status, error: json.error }).toEqual({ status: 400, error: expect.stringContaining('input "city"') });
});
