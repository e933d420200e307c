import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import { loggedRecords } from '../support/logged-records.ts';
import type { AskedModel, Deployed, ServingGround, TestGateway } from '../support/serving-ground.ts';
import { features, inferBody, layServingGround, startTestGateway } from '../support/serving-ground.ts';

let ground: ServingGround;
let serving: TestGateway;
let deployed: Deployed;

beforeAll(async () => {
  ground = await layServingGround();
  deployed = await ground.deploy({ bias: 100 });
  serving = await startTestGateway(ground);
});
afterAll(async () => {
  await serving.close();
  await ground.stop();
});

function infer(body: unknown, asked?: AskedModel) {
  return serving.ask('POST /v2/models/bike/infer', body, asked);
}

function loggedRows(): Promise<PredictionRecord[]> {
  return loggedRecords(ground.home);
}

describe('the Open Inference Protocol', () => {
  test('answers a row with the prediction, the version, the release and an id', async () => {
    const { status, body } = await infer({ ...inferBody([[1, 2]]), id: 'mine' });
    expect(status).toBe(200);
    expect(body).toEqual({
      model_name: 'bike',
      model_version: String(deployed.version),
      id: 'mine',
      parameters: {
        release: deployed.release.digest,
        generation: deployed.generation,
        prediction_id: expect.any(String),
      },
      outputs: [{ name: 'y', shape: [1], datatype: 'FP32', data: [103] }],
    });
  });

  test('answers many rows with a different id per row', async () => {
    const { body } = await infer(
      inferBody([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    );
    expect(body.outputs[0]).toMatchObject({ shape: [3], data: [103, 107, 111] });
    expect(new Set(body.parameters.prediction_ids).size).toBe(3);
  });

  test("accepts the caller's own ids, one per row without duplicates", async () => {
    const two = [
      [1, 2],
      [3, 4],
    ];
    expect((await infer(inferBody(two, { prediction_ids: ['a-1', 'a-2'] }))).body.parameters.prediction_ids).toEqual([
      'a-1',
      'a-2',
    ]);
    for (const ids of [['only one'], ['same', 'same'], ['', 'b'], 'a-1', [1, 2]])
      expect((await infer(inferBody(two, { prediction_ids: ids }))).status).toBe(400);
  });

  test('accepts the whole matrix under its name in the graph', async () => {
    const matrix = { name: 'x', datatype: 'FP32', shape: [2, 2], data: [1, 2, 3, 4] };
    expect((await infer({ inputs: [matrix] })).body.outputs[0].data).toEqual([103, 107]);
    expect(
      (
        await infer({
          inputs: [
            {
              ...matrix,
              data: [
                [1, 2],
                [3, 4],
              ],
            },
          ],
        })
      ).body.outputs[0].data,
    ).toEqual([103, 107]);
    expect((await infer({ inputs: [{ ...matrix, shape: [1, 4] }] })).body.error).toContain(
      'expected shape [rows, 2] (temp, hum)',
    );
  });

  test('returns every field that the protocol requires for server and model', async () => {
    expect((await serving.ask('GET /v2')).body).toEqual({
      name: expect.any(String),
      version: expect.any(String),
      extensions: ['binary_tensor_data'],
    });
    expect((await serving.ask('GET /v2/models/bike')).body).toEqual({
      name: 'bike',
      versions: [String(deployed.version)],
      platform: 'onnxruntime_onnx',
      inputs: features.map((name) => ({ name, datatype: 'FP32', shape: [-1] })),
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
    });
    expect((await serving.ask('GET /v2/health/live', undefined, { key: null })).body).toEqual({ live: true });
    expect((await serving.ask('GET /v2/models/bike/ready')).body).toEqual({ name: 'bike', ready: true });
    expect((await serving.ask(`GET /v2/models/bike/versions/${deployed.version}`)).status).toBe(200);
  });

  test('serves a loaded version by its number, and no other number', async () => {
    const row = inferBody([[1, 2]]);
    expect((await serving.ask(`POST /v2/models/bike/versions/${deployed.version}/infer`, row)).status).toBe(200);
    const { status, body } = await serving.ask('POST /v2/models/bike/versions/999/infer', row);
    expect(status).toBe(404);
    expect(body.error).toContain(`the loaded versions are ${deployed.version}`);
    expect((await serving.ask('POST /v2/models/bike/versions/one/infer', row)).status).toBe(400);
  });
});

describe('a body that the model cannot take is refused by name', () => {
  const temp = { name: 'temp', datatype: 'FP64', shape: [1], data: [1] };
  const hum = { name: 'hum', datatype: 'FP64', shape: [1], data: [2] };

  test.each([
    ['a missing feature', { inputs: [temp] }, 'feature "hum" is missing; the model takes temp, hum'],
    ['an unknown feature', { inputs: [temp, hum, { ...hum, name: 'wind' }] }, 'unknown input "wind"'],
    ['a duplicate feature', { inputs: [temp, temp] }, '"temp" occurs twice'],
    [
      'text in place of a number',
      { inputs: [temp, { ...hum, data: ['damp'] }] },
      'feature "hum", row 0: expected a finite number',
    ],
    ['null in place of a number', { inputs: [temp, { ...hum, data: [null] }] }, 'feature "hum", row 0'],
    ['a number beyond 32 bits', { inputs: [temp, { ...hum, data: [1e300] }] }, 'within 32-bit range'],
    ['another datatype', { inputs: [temp, { ...hum, datatype: 'BYTES' }] }, 'expected datatype FP32, got BYTES'],
    ['no datatype', { inputs: [temp, { name: 'hum', shape: [1], data: [2] }] }, '"datatype" is missing'],
    [
      'a shape with two columns',
      { inputs: [temp, { ...hum, shape: [1, 2], data: [1, 2] }] },
      'expected shape [rows] or [rows, 1]',
    ],
    [
      'a shape that does not match the data',
      { inputs: [temp, { ...hum, shape: [2] }] },
      'requires 2 values, but "data" has 1',
    ],
    [
      'features of different lengths',
      { inputs: [temp, { ...hum, shape: [2], data: [1, 2] }] },
      'all features must have the same number of rows',
    ],
    [
      'no rows',
      {
        inputs: [
          { ...temp, shape: [0], data: [] },
          { ...hum, shape: [0], data: [] },
        ],
      },
      'no rows',
    ],
    ['no inputs', {}, '"inputs" must be a list'],
    ['a body that is not an object', [1], 'must be a JSON object'],
    ['an unknown output', { inputs: [temp, hum], outputs: [{ name: 'z' }] }, 'unknown output "z"'],
  ])('%s', async (_what, body, message) => {
    const answer = await infer(body);
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body)).toEqual(['error']);
    expect(answer.body.error).toContain(message);
  });

  test('with 10,001 rows, although 10,000 are accepted', async () => {
    const rows = Array.from({ length: 10_001 }, (_, row) => [row, 0]);
    const answer = await infer(inferBody(rows));
    expect(answer.status).toBe(413);
    expect(answer.body.error).toContain('10001 rows, but at most 10000');
    const most = await infer(inferBody(rows.slice(1)));
    expect(most.status).toBe(200);
    expect(most.body.outputs[0].data).toHaveLength(10_000);
  });

  test('if it is not JSON, with an error in the format of the protocol', async () => {
    const answer = await fetch(`${serving.gateway.address}/v2/models/bike/infer`, {
      method: 'POST',
      body: '{"inputs":',
      headers: { authorization: `Bearer ${ground.key}`, 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: expect.any(String) });
  });
});

describe("MLflow's scoring bodies", () => {
  const invoke = (body: unknown) => serving.ask('POST /invocations?model=bike', body);

  test.each([
    ['inputs by name', { inputs: { temp: [1, 3], hum: [2, 4] } }],
    ['inputs by name as columns', { inputs: { temp: [[1], [3]], hum: [[2], [4]] } }],
    [
      'inputs as rows',
      {
        inputs: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
    [
      'dataframe_split in another order',
      {
        dataframe_split: {
          columns: ['hum', 'temp'],
          data: [
            [2, 1],
            [4, 3],
          ],
        },
      },
    ],
    [
      'dataframe_records',
      {
        dataframe_records: [
          { temp: 1, hum: 2 },
          { hum: 4, temp: 3 },
        ],
      },
    ],
  ])('are answered: %s', async (_form, body) => {
    const answer = await invoke(body);
    expect(answer.body).toEqual({ predictions: [103, 107] });
    expect(answer.headers.get('perennial-prediction-ids')?.split(',')).toHaveLength(2);
    expect(answer.headers.get('perennial-release')).toBe(deployed.release.digest);
  });

  test.each([
    ['two forms of rows', { inputs: [[1, 2]], dataframe_records: [] }, 'the body gives rows in 2 forms'],
    ['no form of rows', {}, 'expected exactly one of inputs, dataframe_split, dataframe_records'],
    ['an unknown form', { examples: [[1, 2]] }, 'unknown key "examples"'],
    ['a short row', { inputs: [[1, 2], [3]] }, 'row 1: expected a list of 2 values'],
    ['a missing column', { dataframe_split: { columns: ['temp'], data: [[1]] } }, 'feature "hum" is missing'],
    [
      'records with different columns',
      { dataframe_records: [{ temp: 1, hum: 2 }, { temp: 1 }] },
      'feature "hum", row 1 has no value',
    ],
  ])('are refused: %s', async (_what, body, message) => {
    const answer = await invoke(body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toContain(message);
  });

  test('are refused without the name of a model', async () => {
    expect((await serving.ask('POST /invocations', { inputs: [[1, 2]] })).status).toBe(400);
  });
});

describe('permission to predict', () => {
  test('needs a known key', async () => {
    for (const key of [null, 'no-such-key']) {
      const { status, body, headers } = await infer(inferBody([[1, 2]]), { key });
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toBe('Bearer');
      expect(body.error).toContain('key');
    }
  });

  test('includes viewers, and a grant on another model reveals nothing about this one', async () => {
    const viewer = await ground.addKey('viewer', [{ role: 'viewer', project: 'default', model: 'bike' }]);
    expect((await infer(inferBody([[1, 2]]), { key: viewer })).status).toBe(200);
    const other = await ground.addKey('other', [{ role: 'admin', project: 'default', model: 'taxi' }]);
    expect((await infer(inferBody([[1, 2]]), { key: other })).status).toBe(403);
    expect((await serving.ask('POST /v2/models/unheard-of/infer', inferBody([[1, 2]]), { key: other })).status).toBe(
      403,
    );
  });

  test('begins immediately with a new key, and ends soon after its revocation', async () => {
    const key = await ground.addKey('newcomer', [{ role: 'viewer' }]);
    expect((await infer(inferBody([[1, 2]]), { key })).status).toBe(200);
    const principal = await ground.repositories.principals.ensure('newcomer', 'person', [], null);
    const record = (await ground.repositories.principals.keys()).find(
      (candidate) => candidate.principal.id === principal.id,
    );
    await ground.repositories.principals.revokeKey(principal.id, record!.keyId, ground.operator);
    await expect.poll(async () => (await infer(inferBody([[1, 2]]), { key })).status).toBe(401);
  });

  test('to set the time of a prediction, or to replay, is limited to rehearsals', async () => {
    const times = await infer(inferBody([[1, 2]], { event_times: ['2012-01-01T00:00:00Z'] }));
    expect(times.status).toBe(403);
    expect(times.body.error).toContain('parameters.event_times is accepted only from the principal of a rehearsal');
    expect((await infer(inferBody([[1, 2]], { replay: 'champion' }))).status).toBe(403);
    const confined = await ground.addKey('confined', [
      { role: 'viewer', project: 'default', environment: 'production' },
    ]);
    const wall = await infer(inferBody([[1, 2]], { event_times: ['2012-01-01T00:00:00Z'] }), { key: confined });
    expect(wall.status).toBe(400);
    expect(wall.body.error).toContain('"production" runs on the wall clock');
  });

  test('cannot be used for a model or environment that serves nothing', async () => {
    const unknown = await serving.ask('POST /v2/models/taxi/infer', inferBody([[1, 2]]));
    expect(unknown.status).toBe(404);
    expect(unknown.body.error).toContain('no release of taxi/production is deployed');
    expect((await infer(inferBody([[1, 2]]), { headers: { 'perennial-environment': 'staging' } })).status).toBe(404);
    expect((await infer(inferBody([[1, 2]]), { headers: { 'perennial-environment': 'No Name' } })).status).toBe(400);
  });
});

test('a row is on local disk before its response, with its features and its time', async () => {
  await infer(inferBody([[7, 8]], { prediction_ids: ['written-down'] }));
  const row = (await loggedRows()).find((candidate) => candidate.id === 'written-down');
  expect(row).toMatchObject({
    features: { temp: 7, hum: 8 },
    prediction: 115,
    role: 'champion',
    replay: false,
    release: deployed.release.digest,
  });
  expect(row?.eventTime).toBe(row?.recordedAt);
});

test('served requests are counted, and the database has the counts soon', async () => {
  const total = async () =>
    (await ground.repositories.deployments.served(ground.scope, deployed.generation)).reduce(
      (sum, count) => sum + count.requests,
      0,
    );
  const before = await total();
  for (let i = 0; i < 5; i += 1) await infer(inferBody([[1, 2]]));
  await expect.poll(total).toBeGreaterThanOrEqual(before + 5);
  const metrics = await serving.ask('GET /metrics');
  expect(metrics.body).toContain(
    'nv_inference_request_success{project="default",model="bike",environment="production"',
  );
});
