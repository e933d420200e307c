import { afterAll, beforeAll, expect, test } from 'vitest';
import { loggedRecords } from '../support/logged-records.ts';
import { columnsModel } from '../support/onnx-models.ts';
import type { ServingGround, TestGateway } from '../support/serving-ground.ts';
import { layServingGround, startTestGateway } from '../support/serving-ground.ts';

let ground: ServingGround;
let serving: TestGateway;

const features = Array.from({ length: 30 }, (_, at) => `feature${at}`);
const rows = 10_000;

beforeAll(async () => {
  ground = await layServingGround();
  await ground.deployModel(columnsModel({ features, weights: features.map(() => 1), bias: 0 }), {
    schemaVersion: 1,
    layout: 'columns',
    inputs: features.map((name) => ({ name, type: 'FP32' })),
    output: { name: 'y', type: 'FP32' },
  });
  serving = await startTestGateway(ground);
});
afterAll(async () => {
  await serving.close();
  await ground.stop();
});

function bodyOf(count: number): string {
  const inputs = features.map((name, at) => ({
    name,
    datatype: 'FP32',
    shape: [count],
    data: Array.from({ length: count }, (_, row) => (row % 1000) + at / 8),
  }));
  return JSON.stringify({ inputs });
}

async function infer(body: string): Promise<number[]> {
  const answer = await fetch(`${serving.gateway.address}/v2/models/bike/infer`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ground.key}`, 'content-type': 'application/json' },
    body,
  });
  expect(answer.status).toBe(200);
  return JSON.parse(await answer.text()).outputs[0].data;
}

const sumOf = (row: number): number => features.reduce((sum, _, at) => sum + (row % 1000) + at / 8, 0);

test('while requests of 10,000 rows are answered, the gateway answers many others', async () => {
  const [large, small] = [bodyOf(rows), bodyOf(1)];
  // Starts the thread that reads large bodies.
  await infer(large);
  const times = 5;
  let ended = false;
  const answers = (async () => {
    const all: number[][] = [];
    for (let time = 0; time < times; time += 1) all.push(await infer(large));
    return all;
  })().finally(() => (ended = true));
  let others = 0;
  while (!ended) {
    expect(await infer(small)).toEqual([sumOf(0)]);
    others += 1;
  }
  for (const values of await answers) {
    expect(values).toHaveLength(rows);
    for (const row of [0, 1, 4_999, 9_999]) expect(values[row]).toBeCloseTo(sumOf(row), 1);
  }
  // One per large request is what gets through where the event loop does all the work of a large request at once.
  expect(others).toBeGreaterThan(3 * times);
});

test('the rows of a large request are logged in pieces, each row with its number, id and answer', async () => {
  const ids = Array.from({ length: rows }, (_, row) => `numbered-${row}`);
  const body = JSON.stringify({ id: 'numbered', parameters: { prediction_ids: ids }, ...JSON.parse(bodyOf(rows)) });
  await infer(body);
  const records = (await loggedRecords(ground.home)).filter(({ request }) => request === 'numbered');
  expect(records.map(({ row }) => row)).toEqual(ids.map((_, row) => row));
  expect(records.map(({ id }) => id)).toEqual(ids);
  for (const row of [0, 1, 4_999, 9_999]) {
    expect(records[row]?.prediction).toBeCloseTo(sumOf(row), 1);
    expect(records[row]?.features['feature29']).toBe((row % 1000) + 29 / 8);
  }
});

test('a large answer names its length, and a client that goes away does not harm others', async () => {
  const ask = (signal: AbortSignal | null) =>
    fetch(`${serving.gateway.address}/v2/models/bike/infer`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ground.key}`, 'content-type': 'application/json' },
      body: bodyOf(rows),
      signal,
    });
  const whole = await ask(null);
  const bytes = Buffer.from(await whole.arrayBuffer());
  expect(bytes.length).toBeGreaterThan(64 * 2 ** 10);
  expect(whole.headers.get('content-length')).toBe(String(bytes.length));
  const leaving = new AbortController();
  const left = await ask(leaving.signal);
  leaving.abort();
  await expect(left.text()).rejects.toThrow('abort');
  expect(await infer(bodyOf(1))).toEqual([sumOf(0)]);
});

test('several large requests at a time are all answered, each with its own rows', async () => {
  const bodies = [10_000, 9_000, 8_000];
  const answers = await Promise.all(bodies.map((count) => infer(bodyOf(count))));
  expect(answers.map((values) => values.length)).toEqual(bodies);
  for (const values of answers) expect(values.at(-1)).toBeCloseTo(sumOf(values.length - 1), 1);
});
