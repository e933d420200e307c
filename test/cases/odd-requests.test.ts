import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { columnsModel } from '../support/onnx-models.ts';
import { sumModel } from '../support/sum-model.ts';
import type { CaseGround, CaseModel, CaseAnswer } from './case-ground.ts';
import { caseFile, layCaseGround } from './case-ground.ts';

// `sum` predicts a + b as `y` and a · b as `product`, or a for both where b is missing; b is missing in a quarter of
// its training rows.
// `places` predicts feature "0" plus ten times feature "1", which are never missing in its training rows.
let ground: CaseGround;
let sum: CaseModel;
let places: CaseModel;

function rowsOf(header: string, row: (id: number) => string): string {
  return [header, ...Array.from({ length: 200 }, (_, id) => row(id)), ''].join('\n');
}

beforeAll(async () => {
  ground = await layCaseGround();
  sum = await ground.model('sum', {
    data: { features: ['a', 'b'] },
    build: { output: 'y' },
    monitor: { quality: { missing: 0.2 } },
  });
  await sum.artifact(sumModel);
  places = await ground.model('places', { data: { features: ['0', '1'] } });
  await places.artifact(columnsModel({ features: ['0', '1'], weights: [1, 10], bias: 0 }));
  const withGaps = rowsOf('id,a,b,y', (id) => {
    const [a, b] = [(id % 7) / 2, (id % 11) / 2];
    return id % 4 === 0 ? `${id},${a},,${a}` : `${id},${a},${b},${a + b}`;
  });
  const whole = rowsOf('id,0,1,y', (id) => `${id},${(id % 5) / 2},${(id % 3) / 2},${(id % 5) / 2 + 5 * (id % 3)}`);
  await Promise.all([
    sum.serve({ name: 'rows.csv', content: withGaps }),
    places.serve({ name: 'rows.csv', content: whole }),
  ]);
});
afterAll(() => ground?.end());

const input = (file: string): Promise<Buffer> => readFile(caseFile(`requests/${file}`));
const tensor = (name: string, data: readonly unknown[]) => ({ name, datatype: 'FP32', shape: [data.length], data });
const inputs = [tensor('a', [1]), tensor('b', [2])];
const dataOf = ({ body }: CaseAnswer): unknown => body.outputs.map(({ data }: { data: unknown }) => data);
const csv = { 'content-type': 'text/csv' };

describe('the Open Inference Protocol', () => {
  test.each(['id', 'parameters', 'outputs', 'model_version'])('a null %s counts as absent', async (key) => {
    const answer = await sum.infer(await input(`${key}-is-null.json`));
    expect(answer.status).toBe(200);
    expect(dataOf(answer)).toEqual([[3], [2]]);
    expect(answer.body).not.toHaveProperty('id');
  });

  test('null parameters of a tensor and of an output count as absent', async () => {
    const nulls = inputs.map((each) => ({ ...each, parameters: null }));
    const answer = await sum.infer({ inputs: nulls, outputs: [{ name: 'product', parameters: null }] });
    expect(dataOf(answer)).toEqual([[2]]);
  });

  test('an empty list of outputs requests all, and an unknown output is refused with the existing ones', async () => {
    expect(dataOf(await sum.infer(await input('no-outputs-named.json')))).toEqual([[3], [2]]);
    const unknown = await sum.infer({ inputs, outputs: [{ name: 'Y' }] });
    expect(unknown).toMatchObject({
      status: 400,
      body: { error: 'unknown output "Y"; the model has the outputs y, product' },
    });
  });

  test('a missing value is accepted, and refused by name for a feature that was never missing in training', async () => {
    expect(dataOf(await sum.infer(await input('null-feature.json')))).toEqual([[1], [1]]);
    expect(dataOf(await sum.infer({ inputs: [tensor('a', [1])] }))).toEqual([[1], [1]]);
    for (const given of [[tensor('a', [null]), tensor('b', [2])], [tensor('b', [2])]]) {
      const refused = await sum.infer({ inputs: given });
      expect(refused).toMatchObject({ status: 400, body: { error: expect.stringContaining('feature "a"') } });
    }
  });

  // The exact bytes that tritonclient 2.73.0 sends, without the headers that it leaves out.
  test('an unmodified tritonclient gets an answer to JSON and to binary tensors', async () => {
    const sent =
      '{"inputs": [{"name": "a", "shape": [1], "datatype": "FP32", "data": [1.0]}, {"name": "b", "shape": [1], "datatype": "FP32", "data": [2.0]}], "outputs": [{"name": "y", "parameters": {"binary_data": false}}]}';
    expect(dataOf(await plain(sent))).toEqual([[3]]);
    expect(dataOf(await plain(gzipSync(sent), { 'content-encoding': 'gzip' }))).toEqual([[3]]);
    const binary =
      '{"inputs": [{"name": "a", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 4}}, {"name": "b", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 4}}], "outputs": [{"name": "y", "parameters": {"binary_data": false}}]}';
    const floats = Buffer.from(new Float32Array([1, 2]).buffer);
    const answered = await plain(Buffer.concat([Buffer.from(binary), floats]), {
      'inference-header-content-length': String(binary.length),
    });
    expect(dataOf(answered)).toEqual([[3]]);
  });

  /** Sends a request without a Content-Type header. */
  async function plain(body: string | Uint8Array, headers: Record<string, string> = {}): Promise<CaseAnswer> {
    const answer = await fetch(`${ground.stack.gateway}/v2/models/sum/infer`, {
      method: 'POST',
      body: Buffer.from(body),
      headers: { authorization: `Bearer ${ground.stack.keys.operator}`, ...headers },
    });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  }
});

describe("MLflow's scoring protocol", () => {
  test('columns that the model does not use are ignored and named in a header', async () => {
    const answer = await sum.invoke(await input('extra-column.json'));
    expect(answer).toMatchObject({ status: 200, body: { predictions: [3] } });
    expect(answer.headers.get('perennial-ignored')).toBe('order_id');
    const odd = await sum.invoke({ dataframe_records: [{ 'x,\n': 1, Größe: 2, a: 1, b: 2 }] });
    expect(odd.headers.get('perennial-ignored')).toBe('x%2C%0A,Gr%C3%B6%C3%9Fe');
  });

  test.each(['instances.json', 'rows.csv'])('the features of %s are found by name', async (file) => {
    const answer = await sum.invoke(await input(file), file.endsWith('.csv') ? csv : {});
    expect(answer).toMatchObject({ status: 200, body: { predictions: [3] } });
    expect(answer.headers.get('perennial-ignored')).toBeNull();
  });

  test('a missing value may be null, NaN, absent, or an empty field', async () => {
    expect((await sum.invoke(await input('null-in-records.json'))).body).toEqual({ predictions: [1, 2] });
    expect((await sum.invoke('{"instances": [{"a": 4, "b": NaN}, {"a": 5}]}')).body).toEqual({ predictions: [4, 5] });
    expect((await sum.invoke('a,b\n6,\n7,nan\n', csv)).body).toEqual({ predictions: [6, 7] });
    expect((await sum.invoke('a\n8\n', csv)).body).toEqual({ predictions: [8] });
  });

  test('a feature that was never missing in training is refused by name, whether null or absent', async () => {
    for (const [body, headers] of [
      ['{"dataframe_records": [{"a": null, "b": 1}]}', {}],
      ['{"inputs": {"b": [1]}}', {}],
      ['a,b\n,1\n', csv],
      ['b\n1\n', csv],
    ] as const)
      expect(await sum.invoke(body, headers)).toMatchObject({
        status: 400,
        body: { error: expect.stringContaining('feature "a"') },
      });
  });

  test('a column with almost the name of an absent feature is not ignored', async () => {
    expect(await sum.invoke({ instances: [{ a: 1, B: 2 }] })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('rename the column "B"') },
    });
  });

  test('columns may be numbered as pandas numbers them', async () => {
    const split = {
      dataframe_split: {
        index: [7, 8],
        columns: [1, 0],
        data: [
          [2, 1],
          [3, 1],
        ],
      },
    };
    expect((await places.invoke(split)).body).toEqual({ predictions: [21, 31] });
    expect((await places.invoke('0,1\n1,2\n', csv)).body).toEqual({ predictions: [21] });
  });

  test.each([
    ['no rows', { dataframe_records: [] }, 'no rows'],
    ['a duplicate column', { dataframe_split: { columns: ['a', 'b', 'a'], data: [[1, 2, 3]] } }, 'twice'],
    ['text in place of a number', { instances: [{ a: 'x', b: 1 }] }, 'feature "a", row 0: expected a finite number'],
    [
      'a request with only other columns',
      { instances: [{ x: 1 }] },
      'unknown columns of the request: "x"; the model takes a, b',
    ],
  ])('%s is refused by name', async (_what, body, message) => {
    expect(await sum.invoke(body)).toMatchObject({ status: 400, body: { error: expect.stringContaining(message) } });
  });
});

test('monitor.quality.missing counts the missing values of requests', async () => {
  for (let at = 0; at < 20; at += 1)
    await sum.infer({ inputs: [tensor('a', [1, 2, 3]), tensor('b', [null, null, null])] });
  const { body } = await sum.monitor();
  expect(body.quality).toContainEqual(
    expect.objectContaining({ column: 'b', kind: 'missing', threshold: 0.2, breached: true }),
  );
});
