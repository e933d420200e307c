import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ServedAnswer, ServingGround, TestGateway } from '../support/serving-ground.ts';
import { layServingGround, startTestGateway } from '../support/serving-ground.ts';
import { sumModel, sumSignature } from '../support/sum-model.ts';

// Sends bodies as clients send them, from test/cases/inputs/requests, to a model that predicts a + b and a · b. Its
// training rows had missing values of b.
let ground: ServingGround;
let serving: TestGateway;

beforeAll(async () => {
  ground = await layServingGround();
  await ground.deployModel(sumModel, sumSignature);
  serving = await startTestGateway(ground);
});
afterAll(async () => {
  await serving.close();
  await ground.stop();
});

async function send(path: string, file: string): Promise<ServedAnswer> {
  const answer = await fetch(`${serving.gateway.address}${path}`, {
    method: 'POST',
    body: await readFile(new URL(`../cases/inputs/requests/${file}`, import.meta.url)),
    headers: {
      authorization: `Bearer ${ground.key}`,
      'content-type': file.endsWith('.csv') ? 'text/csv' : 'application/json',
    },
  });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

const infer = (file: string) => send('/v2/models/bike/infer', file);
const invoke = (file: string) => send('/invocations?model=bike', file);

test.each(['id', 'parameters', 'outputs', 'model_version'])('a null %s is treated as absent', async (key) => {
  const { status, body } = await infer(`${key}-is-null.json`);
  expect(status).toBe(200);
  expect(body.outputs.map((output: { data: unknown }) => output.data)).toEqual([[3], [2]]);
  expect(body).not.toHaveProperty('id');
});

test('an empty list of outputs requests all outputs', async () => {
  const { status, body } = await infer('no-outputs-named.json');
  expect(status).toBe(200);
  expect(body.outputs.map((output: { name: string }) => output.name)).toEqual(['y', 'product']);
});

test('null parameters and null row formats are treated as absent', async () => {
  const inputs = [
    { name: 'a', datatype: 'FP32', shape: [1], data: [1] },
    { name: 'b', datatype: 'FP32', shape: [1], data: [2] },
  ];
  const parameters = { prediction_ids: null, event_times: null, replay: null };
  expect((await serving.ask('POST /v2/models/bike/infer', { inputs, parameters })).status).toBe(200);
  const body = { inputs: null, params: null, dataframe_records: [{ a: 1, b: 2 }] };
  expect((await serving.ask('POST /invocations?model=bike', body)).body).toEqual({ predictions: [3] });
});

test('a missing value may be null or absent', async () => {
  const { status, body } = await infer('null-feature.json');
  expect(status).toBe(200);
  expect(body.outputs[0].data).toEqual([1]);
  expect((await invoke('null-in-records.json')).body).toEqual({ predictions: [1, 2] });
});

test('columns are found by name, and a header names those that were ignored', async () => {
  const { body, headers } = await invoke('extra-column.json');
  expect(body).toEqual({ predictions: [3] });
  expect(headers.get('perennial-ignored')).toBe('order_id');
  const more = {
    dataframe_records: [
      { 'a,b': 1, a: 1, b: 2 },
      { 'naïve x': 3, a: 1, b: 2 },
    ],
  };
  const records = await serving.ask('POST /invocations?model=bike', more);
  expect(records.headers.get('perennial-ignored')).toBe('a%2Cb,na%C3%AFve%20x');
});

test.each(['instances.json', 'rows.csv'])('the features of %s are found by name', async (file) => {
  const { status, body, headers } = await invoke(file);
  expect({ status, body }).toEqual({ status: 200, body: { predictions: [3] } });
  expect(headers.get('perennial-ignored')).toBeNull();
});
