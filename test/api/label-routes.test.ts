import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyBike, startTestApi, type TestApi } from '../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  const scope = await applyBike(api);
  const { modelId, environment } = scope;
  const at = '2012-01-01T00:00:00.000Z';
  const rows = ['a', 'b', 'c', 'd'].map((id) => ({
    id,
    request: null,
    row: null,
    version: 1,
    happened: at,
    recorded: at,
  }));
  const segment = { id: api.ids.next(), gatewayId: api.ids.next(), modelId, environment, sha256: 'a'.repeat(64) };
  await api.repositories.monitoring.addSegment({ ...segment, rows: rows.length, dropped: 0, from: at, to: at }, [
    JSON.stringify(rows),
  ]);
});
afterAll(() => api.stop());

const path = 'POST /v1/models/bike/labels';
const send = (body: unknown, type = 'application/json') => api.send('operator', path, body, { 'content-type': type });

test('labels are accepted as JSON, NDJSON and CSV, a single one without brackets, and the later one counts', async () => {
  const json = [
    { id: 'a', value: 1 },
    { id: 'b', value: '2.0', at: '2012-01-01T00:00:00+00:00' },
  ];
  expect((await send(json)).body).toMatchObject({ accepted: 2, corrected: 0, unknown: 0, refused: 0 });
  const lines = '{"id":"a","value":1}\n{"id":"b","value":9}\n\n{"id":"c","value":3}\n';
  expect((await send(lines, 'application/x-ndjson')).body).toMatchObject({
    accepted: 1,
    repeated: 1,
    corrected: 1,
    corrections: [{ id: 'b', from: 2, to: 9 }],
  });
  const corrections = await api.send('viewer', 'GET /v1/models/bike/labels/corrections?limit=1');
  expect(corrections).toMatchObject({ status: 200, body: { items: [{ id: 'b', from: 2, to: 9 }] } });
  const csv = '\uFEFF"note";"value";"id"\r\n"x;y";"9";"b"\r\nz;4;d\r\n';
  expect((await send(csv, 'text/csv; charset=utf-8')).body).toMatchObject({
    accepted: 1,
    repeated: 1,
    ignoredColumns: ['note'],
  });
  expect((await send({ id: 'e', value: 4 })).body).toMatchObject({
    unknown: 1,
    unknownLabels: [{ id: 'e' }],
    waiting: 1,
  });
});

test('a refused label is named with its position, and the others are accepted', async () => {
  const { status, body } = await send([
    { id: 'a', value: 1 },
    { id: 'b', value: 'many' },
    { id: 'c', value: 1e200 },
  ]);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    repeated: 1,
    refused: 2,
    refusals: [
      { place: 1, id: 'b' },
      { place: 2, id: 'c' },
    ],
  });
  expect(body.refusals[0].reason).toBe('"many" is not a number, but the labels of a regression are numbers');
});

test('a request fails if all of its labels are refused', async () => {
  const { status, body } = await send([{ id: 'a', value: 1e300 }]);
  expect(status).toBe(400);
  expect(body.detail).toBe(
    'the label of "a" is refused: 1e+300 is beyond ±1e+150, so no metric can be computed with it',
  );
  const python = await send(
    '[{"id": "a", "value": NaN}, {"id": "b", "value": -Infinity}, {"id": "c", "value": 1e999}]',
  );
  expect(python.status).toBe(400);
  expect(python.body.detail).toMatch(
    /^none of the 3 labels was accepted; the label of "a" is refused: "NaN" is not a number/,
  );
  expect(python.body.refusals).toHaveLength(3);
});

test.each([
  ['application/x-ndjson', '{"id":"x","value":1}\n{"id":\n', 'line 2 is not JSON'],
  ['application/json', '[{"id":', 'the text is not JSON'],
  ['text/csv', 'x,1\ny,2\n', 'must begin with a header that names "value" and either "id" or "request"'],
  ['text/csv', 'id,value\nx,1,2\n', 'got 3 on line 2'],
  ['text/csv', 'id,value\nx,"1\n', 'opening quote at line 2'],
  ['text/csv', 'id,value,ID\nx,1,y\n', 'the header has the column "id" twice'],
  ['text/csv', 'id,value\n', 'there are no labels'],
  ['application/json', '[{"value":1}]', 'a label names either "id", the id of the prediction, or "request"'],
  ['application/json', '[{"id":"x","row":1,"value":1}]', '"row" can only be used with "request"'],
  ['application/json', '[{"id":"x","request":"y","value":1}]', 'a label names either'],
])('invalid %s is refused, and the position is named (case %#)', async (type, text, said) => {
  const { status, body } = await send(text, type);
  expect({ status, detail: body.detail }).toEqual({ status: 400, detail: expect.stringContaining(said) });
});
