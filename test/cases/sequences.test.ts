import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CaseGround } from './ground.ts';
import { caseFile, layCaseGround } from './ground.ts';

let ground: CaseGround;
beforeAll(async () => {
  ground = await layCaseGround();
});
afterAll(() => ground?.end());

test('a model goes from rows to a report', async () => {
  const model = await ground.model('whole-way');
  await model.serve(caseFile('missing-words/clean.csv'));
  const answer = await model.infer({
    parameters: { prediction_ids: ['p0', 'p1', 'p2'] },
    inputs: [{ name: 'x', datatype: 'FP32', shape: [3], data: [0, 1, 2] }],
  });
  expect(answer).toMatchObject({ status: 200, body: { outputs: [{ data: [0, 1, 2] }] } });
  expect((await model.labels([{ id: 'p1', value: 3 }])).status).toBe(200);
  expect((await model.monitor()).body.performance).toMatchObject({ rows: 1 });
  expect((await model.dataset()).number).toBe(1);
  expect(await model.rows(1)).toContain('\n1,0.5,1\n');
});
