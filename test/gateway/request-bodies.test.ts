import { gzipSync, deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Signature } from '../../contracts/models/signature.ts';
import { columnsModel, integerAttribute, linearModel, model, node, value } from '../support/onnx-models.ts';
import type { ServedAnswer, ServingGround, TestGateway } from '../support/serving-ground.ts';
import { layServingGround, startTestGateway } from '../support/serving-ground.ts';
import { sumModel, sumSignature } from '../support/sum-model.ts';

let ground: ServingGround;
let serving: TestGateway;

/** A model with a text and a boolean input, beside the one in production. */
const passes = model({
  nodes: [node('Cast', ['fresh'], ['y'], [integerAttribute('to', 1)])],
  inputs: [value('fresh', 'BOOL', ['rows', 1]), value('city', 'STRING', ['rows', 1])],
  outputs: [value('y', 'FLOAT', ['rows', 1])],
});
const passesSignature: Signature = {
  schemaVersion: 1,
  layout: 'columns',
  inputs: [
    { name: 'fresh', type: 'BOOL' },
    { name: 'city', type: 'BYTES' },
  ],
  output: { name: 'y', type: 'FP32' },
};
const numbered = ['0', '1', '2'];
const many = Array.from({ length: 40 }, (_, at) => `feature${at}`);

beforeAll(async () => {
  ground = await layServingGround();
  await ground.deployModel(sumModel, sumSignature);
  await ground.deployModel(passes, passesSignature, 100, await ground.rehearsal('words'));
  await ground.deployModel(
    linearModel({ features: numbered, weights: [1, 10, 100], bias: 0 }),
    {
      schemaVersion: 1,
      layout: 'matrix',
      inputName: 'x',
      inputs: numbered.map((name) => ({ name, type: 'FP32' })),
      output: { name: 'y', type: 'FP32' },
    },
    100,
    await ground.rehearsal('numbered'),
  );
  await ground.deployModel(
    columnsModel({ features: many, weights: many.map(() => 1), bias: 0 }),
    {
      schemaVersion: 1,
      layout: 'columns',
      inputs: many.map((name) => ({ name, type: 'FP32', missing: true })),
      output: { name: 'y', type: 'FP32' },
    },
    100,
    await ground.rehearsal('many'),
  );
  serving = await startTestGateway(ground);
});
afterAll(async () => {
  await serving.close();
  await ground.stop();
});

const inferPath = '/v2/models/bike/infer';
const invocations = '/invocations?model=bike';

async function send(
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<ServedAnswer> {
  const answer = await fetch(`${serving.gateway.address}${path}`, {
    method: 'POST',
    // Bytes instead of a string, so that fetch adds no Content-Type.
    body: typeof body === 'string' ? new TextEncoder().encode(body) : new Uint8Array(body),
    headers: { authorization: `Bearer ${ground.key}`, ...headers },
  });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

const tensor = (name: string, data: readonly unknown[], datatype = 'FP32') => ({
  name,
  datatype,
  shape: [data.length],
  data,
});
const inputs = [tensor('a', [1]), tensor('b', [2])];
const sum = JSON.stringify({ inputs });
const values = ({ body }: ServedAnswer): unknown => body.outputs?.[0].data;

describe('a body is JSON', () => {
  test.each([
    ['without a Content-Type', {}],
    ['with the Content-Type of bytes', { 'content-type': 'application/octet-stream' }],
    ['with a charset', { 'content-type': 'application/json; charset=utf-8' }],
    ['with a Content-Type in upper case', { 'content-type': 'APPLICATION/JSON;CHARSET="UTF-8"' }],
    ['with a Content-Type based on JSON', { 'content-type': 'application/vnd.example+json' }],
  ])('%s', async (_how, headers) => {
    expect(values(await send(inferPath, sum, headers))).toEqual([3]);
    expect((await send(invocations, '{"instances": [[1, 2]]}', headers)).body).toEqual({ predictions: [3] });
  });

  test('with a byte order mark', async () => {
    expect(values(await send(inferPath, `\uFEFF${sum}`))).toEqual([3]);
    const csv = { 'content-type': 'text/csv' };
    expect((await send(invocations, '\uFEFFa,b\r\n1,2\r\n', csv)).body).toEqual({ predictions: [3] });
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'text/csv',
    'json',
    'application/json; charset=latin1',
  ])('but %s is refused with 415 and the accepted types', async (type) => {
    const { status, body } = await send(inferPath, sum, { 'content-type': type });
    expect(status).toBe(415);
    expect(body).toEqual({ error: expect.stringMatching(/send JSON as application\/json|send it as UTF-8/) });
  });

  test.each([
    ['an empty body', '', 'the body is empty'],
    ['a truncated document', '{"inputs":', 'the body is not JSON'],
    ['bytes that are not text', Uint8Array.of(0x7b, 0xff, 0x7d), 'the body is not UTF-8'],
    ['UTF-16', Buffer.from(`\uFEFF${sum}`, 'utf16le'), 'the body is not UTF-8'],
  ])('but %s is refused by name', async (_what, sent, message) => {
    const { status, body } = await send(inferPath, sent, { 'content-type': 'application/json' });
    expect({ status, error: body.error }).toEqual({ status: 400, error: expect.stringContaining(message) });
  });
});

describe('a compressed body', () => {
  test.each([
    ['gzip', gzipSync(sum)],
    ['GZIP', gzipSync(sum)],
    ['deflate', deflateSync(sum)],
    ['identity', Buffer.from(sum)],
  ])('is read as %s', async (encoding, sent) => {
    expect(values(await send(inferPath, sent, { 'content-encoding': encoding }))).toEqual([3]);
  });

  test('may be CSV', async () => {
    const headers = { 'content-type': 'text/csv', 'content-encoding': 'gzip' };
    expect((await send(invocations, gzipSync('b,a\n2,1\n'), headers)).body).toEqual({ predictions: [3] });
  });

  test('is refused if it unpacks beyond the limit, has another encoding than declared, or an unknown one', async () => {
    const large = gzipSync(Buffer.alloc(40 * 2 ** 20, ' '));
    expect((await send(inferPath, large, { 'content-encoding': 'gzip' })).status).toBe(413);
    const lie = await send(inferPath, sum, { 'content-encoding': 'gzip' });
    expect(lie).toMatchObject({ status: 400, body: { error: expect.stringContaining('decompressed as gzip') } });
    const odd = await send(inferPath, sum, { 'content-encoding': 'compress' });
    expect(odd).toMatchObject({ status: 415, body: { error: expect.stringContaining('gzip, deflate or br') } });
  });
});

test('the extensions for classification and shared memory are refused by name', async () => {
  const outputs = [{ name: 'y', parameters: { classification: 2 } }];
  expect((await send(inferPath, JSON.stringify({ inputs, outputs }))).body.error).toContain('"classification"');
  const shared = [{ ...inputs[0], data: undefined, parameters: { shared_memory_region: 'r' } }, inputs[1]];
  expect((await send(inferPath, JSON.stringify({ inputs: shared }))).body.error).toContain('shared memory');
});

test('model_version selects a loaded version, like the path', async () => {
  expect(values(await send(inferPath, JSON.stringify({ inputs, model_version: '1' })))).toEqual([3]);
  expect(values(await send(inferPath, JSON.stringify({ inputs, model_version: '' })))).toEqual([3]);
  expect((await send(inferPath, JSON.stringify({ inputs, model_version: '9' }))).status).toBe(404);
  const both = await send('/v2/models/bike/versions/1/infer', JSON.stringify({ inputs, model_version: '2' }));
  expect(both).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining('name the same version in both, or only one') },
  });
});

test.each([
  ['Infinity', '{"inputs": {"a": [Infinity], "b": [1]}}', 'feature "a", row 0: expected a finite number'],
  ['a list in place of a number', '{"inputs": {"a": [[1, 2]], "b": [1]}}', 'got a list of 2'],
  ['a deeply nested list', `{"instances": [[${'['.repeat(1e5)}${']'.repeat(1e5)}, 1]]}`, 'got a list of 1'],
])('%s is refused by feature and row', async (_what, sent, message) => {
  const { status, body } = await send(invocations, sent);
  expect({ status, error: body.error }).toEqual({ status: 400, error: expect.stringContaining(message) });
});

test('text that is not valid Unicode is refused, so that the log keeps every other row', async () => {
  const words = { 'perennial-environment': 'words' };
  const half = String.raw`"\ud800"`;
  const feature = await send(invocations, `{"instances": [[true, ${half}]]}`, words);
  expect(feature).toMatchObject({ status: 400, body: { error: expect.stringContaining('feature "city", row 0') } });
  for (const id of [half, String.raw`"\u0000"`]) {
    const ids = await send(
      invocations,
      `{"instances": [[true, "Graz"]], "params": {"prediction_ids": [${id}]}}`,
      words,
    );
    expect(ids).toMatchObject({ status: 400, body: { error: expect.stringContaining('prediction_ids[0]') } });
  }
});

test('booleans may be 0 and 1, in CSV too', async () => {
  const words = { 'perennial-environment': 'words' };
  const csv = await send(invocations, 'fresh,city\nTrue,x\nfalse,x\n1,x\n0,x\n', {
    ...words,
    'content-type': 'text/csv',
  });
  expect(csv.body).toEqual({ predictions: [1, 0, 1, 0] });
  const numbers = JSON.stringify({ inputs: [tensor('fresh', [1], 'UINT8'), tensor('city', ['x'], 'BYTES')] });
  expect(values(await send(inferPath, numbers, words))).toEqual([1]);
  const two = await send(invocations, '{"instances": [[2, "x"]]}', words);
  expect(two).toMatchObject({ status: 400, body: { error: expect.stringContaining('expected true or false, got 2') } });
});

describe('columns of /invocations', () => {
  const there = { 'perennial-environment': 'numbered' };

  test('may be numbered as pandas numbers them', async () => {
    const split = { dataframe_split: { index: ['x'], columns: [2, 0, 1], data: [[3, 1, 2]] } };
    expect((await send(invocations, JSON.stringify(split), there)).body).toEqual({ predictions: [321] });
    const records = { dataframe_records: [{ 0: 1, 1: 2, 2: 3 }] };
    expect((await send(invocations, JSON.stringify(records), there)).body).toEqual({ predictions: [321] });
  });

  test('of objects under "inputs" are found by name', async () => {
    expect((await send(invocations, '{"inputs": [{"b": 2, "a": 1}]}')).body).toEqual({ predictions: [3] });
  });

  test('that are ignored are counted, and the header names as many as fit', async () => {
    const others = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`column ${at}`, at]));
    const { headers, status } = await send(invocations, JSON.stringify({ instances: [{ a: 1, b: 2, ...others }] }));
    expect({ status, count: headers.get('perennial-ignored-count') }).toEqual({ status: 200, count: '2000' });
    expect(headers.get('perennial-ignored')).toMatch(/^column%200,column%201,/);
    const csv = { 'content-type': 'text/csv' };
    const index = await send(invocations, ',a,b\n0,1,2\n', csv);
    expect(index.body).toEqual({ predictions: [3] });
    expect(index.headers.get('perennial-ignored-count')).toBe('1');
  });

  test('that differ from an absent feature only in case or blanks are refused, not ignored', async () => {
    const { status, body } = await send(invocations, 'a, b\n1, 2\n', { 'content-type': 'text/csv' });
    expect(status).toBe(400);
    expect(body.error).toBe('feature "b" is missing; rename the column " b" of the request to "b"');
    expect((await send(invocations, '{"instances": [{"a": 1, "B": 2}]}')).body.error).toContain(
      'rename the column "B"',
    );
  });

  test('without any feature are named in the refusal', async () => {
    const { body } = await send(invocations, 'a;b\n1;2\n', { 'content-type': 'text/csv' });
    expect(body.error).toBe(
      'the request has none of the features; unknown columns of the request: "a;b"; the model takes a, b',
    );
  });

  test('that differ in every row use no more memory than they have values', async () => {
    const rows = Array.from({ length: 9_000 }, (_, at) => ({ a: 1, b: 2, [`k${at}`]: at }));
    const { body, headers } = await send(invocations, JSON.stringify({ dataframe_records: rows }));
    expect(body.predictions).toHaveLength(9_000);
    expect(headers.get('perennial-ignored-count')).toBe('9000');
  });

  test('of many features are not all listed in an error', async () => {
    const { body } = await send(invocations, '{"instances": [{"x": 1}]}', { 'perennial-environment': 'many' });
    expect(body.error).toContain('feature19 and 20 more');
  });
});

test('a CSV of millions of rows is refused before it is completely read', async () => {
  const { status, body } = await send(invocations, `a,b\n${'1,2\n'.repeat(8_000_000)}`, { 'content-type': 'text/csv' });
  expect({ status, error: body.error }).toEqual({
    status: 413,
    error: expect.stringContaining('more than 10000 rows'),
  });
});

test('the matrix of a model is expected under its own name', async () => {
  const matrix = { name: 'input', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] };
  const there = { 'perennial-environment': 'numbered' };
  expect(values(await send(inferPath, JSON.stringify({ inputs: [{ ...matrix, name: 'x' }] }), there))).toEqual([321]);
  const { body } = await send(inferPath, JSON.stringify({ inputs: [matrix] }), there);
  expect(body.error).toContain('or all of them in one input "x" of shape [rows, 3]');
});

test("MLflow's health routes need no key, and an unreadable path is refused in the format of the protocol", async () => {
  for (const path of ['/ping', '/health'])
    expect((await serving.ask(`GET ${path}`, undefined, { key: null })).status).toBe(200);
  for (const path of ['/v2/models/%zz', `/v2/models/${'x'.repeat(300)}`]) {
    const { status, body } = await serving.ask(`GET ${path}`);
    expect({ status, keys: Object.keys(body) }).toEqual({ status: 400, keys: ['error'] });
  }
});
