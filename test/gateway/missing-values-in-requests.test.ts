import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Signature } from '../../contracts/models/signature.ts';
import { loggedRecords } from '../support/logged-records.ts';
import { fillableModel } from '../support/onnx-models.ts';
import type { ServedAnswer, ServingGround, TestGateway } from '../support/serving-ground.ts';
import { layServingGround, startTestGateway } from '../support/serving-ground.ts';

const signature: Signature = {
  schemaVersion: 1,
  layout: 'columns',
  inputs: [
    { name: 'a', type: 'FP32' },
    { name: 'b', type: 'FP32', missing: true },
    { name: 'city', type: 'BYTES', missing: true, fill: 'unknown' },
    { name: 'rooms', type: 'INT64', fill: 1 },
  ],
  output: { name: 'y', type: 'FP32' },
};

let ground: ServingGround;
let serving: TestGateway;

beforeAll(async () => {
  ground = await layServingGround();
  await ground.deployModel(fillableModel(), signature);
  serving = await startTestGateway(ground);
});
afterAll(async () => {
  await serving.close();
  await ground.stop();
});

interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

function tensor(name: string, data: readonly unknown[], datatype = 'FP32'): Tensor {
  return { name, datatype, shape: [data.length], data };
}

const whole = [tensor('a', [1]), tensor('b', [2]), tensor('city', ['Graz'], 'BYTES'), tensor('rooms', [3], 'INT64')];

function infer(changed: readonly Tensor[], without: readonly string[] = []): Promise<ServedAnswer> {
  const inputs = whole
    .filter(({ name }) => !without.includes(name))
    .map((given) => changed.find(({ name }) => name === given.name) ?? given);
  return serving.ask('POST /v2/models/bike/infer', { inputs });
}

async function invoke(text: string, contentType = 'application/json'): Promise<ServedAnswer> {
  const answer = await fetch(`${serving.gateway.address}/invocations?model=bike`, {
    method: 'POST',
    body: text,
    headers: { authorization: `Bearer ${ground.key}`, 'content-type': contentType },
  });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

const row = { a: 1, b: 2, city: 'Graz', rooms: 3 };
const records = (...rows: readonly object[]) => JSON.stringify({ dataframe_records: rows });

// The model predicts a + b (2 · a without b), plus 100 where the city is "unknown", plus 1000 for each room.
describe('a missing value of a feature with missing values in training', () => {
  test('is null or absent in the Open Inference Protocol', async () => {
    expect((await infer([])).body.outputs[0].data).toEqual([3003]);
    expect((await infer([tensor('b', [null])])).body.outputs[0].data).toEqual([3002]);
    expect((await infer([tensor('b', ['NaN'])])).body.outputs[0].data).toEqual([3002]);
    expect((await infer([], ['b'])).body.outputs[0].data).toEqual([3002]);
  });

  test('is null, NaN, absent in a row or absent in all rows in the scoring bodies', async () => {
    expect((await invoke(records({ ...row, b: null }, row))).body).toEqual({ predictions: [3002, 3003] });
    expect((await invoke(records(row, { a: 1, city: 'Graz', rooms: 3 }))).body.predictions).toEqual([3003, 3002]);
    expect((await invoke(records({ a: 1, city: 'Graz', rooms: 3 }))).body.predictions).toEqual([3002]);
    expect((await invoke('{"inputs": {"a": [1], "b": [NaN], "city": ["is NaN"], "rooms": [3]}}')).body).toEqual({
      predictions: [3002],
    });
  });

  test('is replaced by data.fill for text and integers', async () => {
    expect((await infer([tensor('city', [null], 'BYTES')])).body.outputs[0].data).toEqual([3103]);
    expect((await infer([tensor('city', [null])])).body.outputs[0].data).toEqual([3103]);
    expect((await infer([tensor('rooms', [null], 'INT64')])).body.outputs[0].data).toEqual([1003]);
    expect((await infer([], ['city', 'rooms'])).body.outputs[0].data).toEqual([1103]);
    expect((await infer([tensor('city', [''], 'BYTES')])).body.outputs[0].data).toEqual([3003]);
  });

  test('is logged as missing, not as the fill that the model got', async () => {
    const { body } = await infer([tensor('b', [null]), tensor('city', [null], 'BYTES')]);
    const written = await loggedRecords(ground.home);
    const { features } = written.find(({ id }) => id === body.parameters.prediction_id)!;
    expect(features).toEqual({ a: 1, b: null, city: null, rooms: 3 });
  });
});

describe('a missing value of a feature that was complete in training', () => {
  test('is refused by feature and row in both protocols, with the way out', async () => {
    for (const { status, body } of [
      await infer([tensor('a', [null])]),
      await infer([tensor('a', ['NaN'])]),
      await invoke(records({ ...row, a: null })),
      await invoke(records(row, { b: 1, city: 'Graz', rooms: 3 })),
      await invoke('{"inputs": {"a": [NaN], "b": [1], "city": ["Graz"], "rooms": [3]}}'),
    ]) {
      expect(status).toBe(400);
      expect(body.error).toMatch(/feature "a", row [01] has no value: .*serve\.missing to allow/);
    }
    for (const { status, body } of [await infer([], ['a']), await invoke(records({ b: 2, city: 'Graz', rooms: 3 }))]) {
      expect(status).toBe(400);
      expect(body.error).toMatch(/feature "a" is missing; the model takes a, b, city, rooms.*serve\.missing to allow/);
    }
  });
});

describe('a table as CSV', () => {
  test('is read by name; an empty field is missing, and a quoted one is text', async () => {
    const csv = 'rooms,city,"b",order_id,a\r\n3,Graz,2,77,1\r\n3,"Graz, ""West""",,78,1\n3,,2,79,1\n';
    const { status, body, headers } = await invoke(csv, 'text/csv; charset=utf-8');
    expect({ status, body }).toEqual({ status: 200, body: { predictions: [3003, 3002, 3103] } });
    expect(headers.get('perennial-ignored')).toBe('order_id');
  });

  test('is refused by row and feature for a value of the wrong type, and refused without rows', async () => {
    expect((await invoke('a,b,city,rooms\n1,2,Graz,3\nx,2,Graz,3\n', 'text/csv')).body.error).toContain(
      'feature "a", row 1: expected a finite number within 32-bit range, got "x"',
    );
    expect((await invoke('a,b,city,rooms\n', 'text/csv')).body.error).toContain('no rows');
    expect((await invoke('a,b,city,rooms\n1,2,Graz\n', 'text/csv')).body.error).toContain(
      'row 0: expected a list of 4',
    );
    expect((await invoke('a,b,city,rooms\n1,2,"Graz"x,3\n', 'text/csv')).body.error).toContain('quote');
  });
});

test('NaN beside text of many megabytes with escapes is read', async () => {
  const city = String.raw`\"NaN\" `.repeat(2 ** 20);
  const { status, body } = await invoke(`{"inputs": {"a": [1], "b": [NaN], "city": ["${city}"], "rooms": [3]}}`);
  expect({ status, body }).toMatchObject({ status: 200, body: { predictions: [expect.any(Number)] } });
});

test('the texts in data.nulls also mean missing in requests', async () => {
  const words = await layServingGround({ data: { nulls: ['NA', '-'] } });
  await words.deployModel(fillableModel(), signature);
  const gateway = await startTestGateway(words);
  try {
    const ask = (changed: object) =>
      gateway.ask('POST /invocations?model=bike', { dataframe_records: [{ ...row, ...changed }] });
    expect((await ask({ b: 'NA' })).body).toEqual({ predictions: [3002] });
    expect((await ask({ city: '-', rooms: 'NA' })).body).toEqual({ predictions: [1103] });
    expect((await ask({ a: 'NA' })).body.error).toContain('feature "a", row 0 has no value');
    expect((await ask({ b: 'n/a' })).body.error).toContain('feature "b", row 0: expected a finite number');
    const csv = await fetch(`${gateway.gateway.address}/invocations?model=bike`, {
      method: 'POST',
      body: 'a,b,city,rooms\n1,NA,NA,3\n',
      headers: { authorization: `Bearer ${words.key}`, 'content-type': 'text/csv' },
    });
    expect(await csv.json()).toEqual({ predictions: [3102] });
  } finally {
    await gateway.close();
    await words.stop();
  }
});

test('serve.missing: allow gives the model NaN for numbers complete in training, and refuses missing text without a fill', async () => {
  const permissive = await layServingGround({ serve: { missing: 'allow' } });
  const strict = { ...signature, inputs: signature.inputs.map(({ name, type }) => ({ name, type })) };
  await permissive.deployModel(fillableModel(), strict);
  const gateway = await startTestGateway(permissive);
  try {
    const ask = (changed: object) =>
      gateway.ask('POST /invocations?model=bike', { dataframe_records: [{ ...row, ...changed }] });
    expect((await ask({ b: null })).body).toEqual({ predictions: [3002] });
    const { status, body } = await ask({ city: null });
    expect(status).toBe(400);
    expect(body.error).toMatch(/feature "city", row 0 has no value: the model takes a string .*data\.fill/);
    expect((await ask({ rooms: null })).body.error).toMatch(/feature "rooms", row 0 has no value.*data\.fill/);
  } finally {
    await gateway.close();
    await permissive.stop();
  }
});
