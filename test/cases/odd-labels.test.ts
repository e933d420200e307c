import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { integerAttribute, floats, model as onnxModel, node, value } from '../support/onnx-models.ts';
import type { CaseGround, CaseModel } from './case-ground.ts';
import { caseFile, layCaseGround } from './case-ground.ts';

// Labels as users send them: exported from spreadsheets, sent twice, too early, with a wrong id, or corrected.

let ground: CaseGround;
let folder: string;
/** A model with a boolean target. */
let paid: CaseModel;
/** A model with an integer target from 0 to 2. */
let grade: CaseModel;
/** A model with a numeric target, which predicts x. */
let price: CaseModel;

beforeAll(async () => {
  ground = await layCaseGround();
  folder = await mkdtemp(join(tmpdir(), 'perennial-labels-'));
  const rows = (target: (x: number) => string | number | boolean) => ({
    name: 'rows.csv',
    content: [
      'id,x,y',
      ...Array.from({ length: 60 }, (_, row) => `${row},${row % 12},${String(target(row % 12))}`),
      '',
    ].join('\n'),
  });
  paid = await ground.model('paid', { task: 'binary', build: { metric: 'rocAuc', classes: [false, true] } });
  await paid.artifact(thresholds([5.5]));
  await paid.serve(rows((x) => x > 5.5));
  grade = await ground.model('grade', { task: 'multiclass', build: { metric: 'accuracy', classes: [0, 1, 2] } });
  await grade.artifact(thresholds([3.5, 7.5]));
  await grade.serve(rows((x) => (x > 7.5 ? 2 : x > 3.5 ? 1 : 0)));
  price = await ground.model('price');
  await price.serve(rows((x) => x));
});
afterAll(async () => {
  await ground?.end();
  await rm(folder, { recursive: true, force: true });
});

/** Returns a classifier with the classes 0, 1, 2, …: the class rises by one at each threshold of x. */
function thresholds(bounds: readonly number[]): Uint8Array {
  const weights = [0, ...bounds.map((_, place) => place + 1)];
  const biases = [0, ...bounds.map((_, place) => -bounds.slice(0, place + 1).reduce((sum, bound) => sum + bound, 0))];
  return onnxModel({
    nodes: [
      node('MatMul', ['x', 'w'], ['product']),
      node('Add', ['product', 'b'], ['z']),
      node('Softmax', ['z'], ['shares']),
      node('ArgMax', ['shares'], ['label'], [integerAttribute('axis', 1), integerAttribute('keepdims', 0)]),
    ],
    inputs: [value('x', 'FLOAT', ['rows', 1])],
    outputs: [value('label', 'INT64', ['rows']), value('shares', 'FLOAT', ['rows', weights.length])],
    initializers: [floats('w', [1, weights.length], weights), floats('b', [weights.length], biases)],
  });
}

interface Asked {
  readonly ids?: readonly string[];
  readonly request?: string;
}

async function predict(model: CaseModel, data: readonly number[], { ids, request }: Asked): Promise<void> {
  const answer = await model.infer({
    ...(request === undefined ? {} : { id: request }),
    ...(ids === undefined ? {} : { parameters: { prediction_ids: ids } }),
    inputs: [{ name: 'x', datatype: 'FP32', shape: [data.length], data }],
  });
  expect(answer).toMatchObject({ status: 200 });
}

async function sendFile(model: CaseModel, file: string) {
  const said = await ground.cli('labels', 'send', file, '-m', model.name, '--json');
  const answer = said.stdout === '' ? undefined : z.looseObject({}).parse(JSON.parse(said.stdout));
  return { ...said, answer };
}

async function sendText(model: CaseModel, name: string, content: string) {
  const file = join(folder, name);
  await writeFile(file, content);
  return sendFile(model, file);
}

const Failure = z.object({ error: z.looseObject({ message: z.string() }) });

function messageOf({ stderr }: { readonly stderr: string }): string {
  return Failure.parse(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).error.message;
}

const Entries = z.object({ items: z.array(z.looseObject({ subject: z.looseObject({}) })) });

test('quoted.csv and true-false.csv are read as booleans, and a correction is in the ledger', async () => {
  await predict(paid, [9, 1, 1, 9], { ids: ['p1', 'p2', 'p3', 'p4'] });
  expect(await sendFile(paid, caseFile('labels/quoted.csv'))).toMatchObject({ code: 0, answer: { accepted: 2 } });
  const counts = { repeated: 2, accepted: 2, corrected: 0, unknown: 0, refused: 0 };
  expect((await sendFile(paid, caseFile('labels/true-false.csv'))).answer).toMatchObject(counts);
  // The model predicted true, false, false, true; the true labels are true, false, true, false.
  const before = (await paid.monitor()).body;
  expect(before).toMatchObject({ labelled: 4, performance: { positives: 2, accuracy: 0.5 } });
  expect(before.leftOut).toBeUndefined();
  const again = await sendText(paid, 'correction.csv', 'id,value\np3,FALSE\np2,False\n');
  expect(again.answer).toMatchObject({ corrected: 1, repeated: 1, corrections: [{ id: 'p3', from: true, to: false }] });
  expect((await paid.monitor()).body.performance).toMatchObject({ positives: 1, accuracy: 0.75 });
  const { items } = await ground.stack.get(Entries, '/v1/ledger?model=paid&kind=labels.corrected');
  expect(items).toMatchObject([{ subject: { labels: 1, first: [{ id: 'p3', from: true, to: false }] } }]);
});

test('a CSV with semicolons, a byte order mark, quotes and further columns is read, and the columns are named', async () => {
  await predict(paid, [9, 9, 1, 1], { ids: ['s1', 's2', 's3', 's4'] });
  const semicolons = '\uFEFF"Value";"note";"ID"\r\n"1.0";"a;b";"s1"\r\nyes;;s2\r\nF;;s3\r\n0;"x\r\ny";s4\r\n';
  const sent = await sendText(paid, 'semicolons.csv', semicolons);
  expect(sent).toMatchObject({ code: 0, answer: { accepted: 4, refused: 0 } });
  expect(sent.stderr).toContain('note');
  const headless = await sendText(paid, 'headless.csv', 's1,true\ns2,false\n');
  expect(headless.code).not.toBe(0);
  expect(messageOf(headless)).toContain('must begin with a header that names');
});

test('no-such-class.csv is refused by name, and so is any class in an unknown notation', async () => {
  await predict(paid, [9], { ids: ['p5'] });
  const sent = await sendFile(paid, caseFile('labels/no-such-class.csv'));
  expect(sent.code).not.toBe(0);
  expect(messageOf(sent)).toContain(
    'the label of "p5" is refused: "yess" is not one of the classes, which are false, true',
  );
  await predict(grade, [1, 5, 9, 1, 5], { ids: ['g1', 'g2', 'g3', 'g4', 'g5'] });
  const grades = await sendText(grade, 'grades.csv', 'id,value\ng1,0\ng2,1.0\ng3,"2"\ng4,3\ng5,1.5\n');
  expect(grades).toMatchObject({ answer: { accepted: 3, refused: 2 } });
  expect(grades.code).not.toBe(0);
  expect(
    z.looseObject({ refusals: z.array(z.looseObject({ id: z.string() })) }).parse(grades.answer).refusals,
  ).toMatchObject([{ id: 'g4', reason: '"3" is not one of the classes, which are 0, 1, 2' }, { id: 'g5' }]);
  expect((await grade.monitor()).body).toMatchObject({ labelled: 3, performance: { accuracy: 1 } });

  // The first prediction for an id counts, and the report warns that there was a second one.
  await predict(grade, [9], { ids: ['g1'] });
  const { id, body } = await grade.monitor();
  expect(body).toMatchObject({ predictions: 5, labelled: 3, repeatedIds: { predictions: 1, example: 'g1' } });
  const shown = await ground.cli('reports', 'show', id, '-m', 'grade');
  expect(shown.stdout).toContain('1 more prediction had an id that was already used, such as "g1"');
});

test('huge.json is refused by name, as are 1e200, NaN and decimal commas, and the report is unaffected', async () => {
  await predict(price, [1, 2, 3, 4, 5], { ids: ['p1', 'h2', 'h3', 'h4', 'h5'] });
  const huge = await sendFile(price, caseFile('labels/huge.json'));
  expect(huge.code).not.toBe(0);
  expect(messageOf(huge)).toContain('the label of "p1" is refused: 1e+300 is beyond');
  const { status, body } = await price.labels([
    { id: 'h2', value: 1e200 },
    { id: 'h3', value: 'NaN' },
    { id: 'h4', value: '4,5' },
    { id: 'h5', value: '6.0' },
  ]);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { accepted: 1, refused: 3, refusals: [{ id: 'h2' }, { id: 'h3' }, { id: 'h4' }] },
  });
  expect((await price.monitor()).body).toMatchObject({ labelled: 1, performance: { rmse: 1 } });
});

test('a label dated after tomorrow, or before its prediction, is refused by name', async () => {
  await predict(price, [1], { ids: ['dated'] });
  const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();
  expect(await price.labels([{ id: 'dated', value: 1, at: inDays(2) }])).toMatchObject({
    status: 400,
    body: {
      detail: expect.stringMatching(/"dated" is refused: it is dated .* more than a day after the environment's clock/),
    },
  });
  expect(await price.labels([{ id: 'dated', value: 1, at: inDays(-1) }])).toMatchObject({
    status: 400,
    body: { detail: expect.stringMatching(/"dated" is refused: it is dated .* before the time of its prediction, /) },
  });
});

test('labels of unknown predictions are counted and reported, and early ones are joined later', async () => {
  const early = await price.labels([
    { id: 'early', value: 7 },
    { id: 'never', value: 8 },
  ]);
  expect(early).toMatchObject({
    status: 200,
    body: { accepted: 0, unknown: 2, unknownLabels: [{ id: 'early' }, { id: 'never' }] },
  });
  await predict(price, [7], { ids: ['early'] });
  const before = (await price.monitor()).body;
  expect(before.waitingLabels).toBe(1);
  expect(await price.labels([{ id: 'early', value: 7 }])).toMatchObject({
    body: { repeated: 1, unknown: 0, waiting: 1 },
  });
});

test('a request id finds the predictions of the request by row, or a single row without its number', async () => {
  await predict(price, [1, 2, 3], { request: 'basket-1' });
  await predict(price, [5], { request: 'order-7' });
  const { body } = await price.labels([
    { request: 'basket-1', row: 1, value: 2 },
    { request: 'order-7', value: 5 },
    { request: 'basket-1', value: 2 },
    { request: 'basket-1', row: 3, value: 2 },
    { request: 'no-such-order', value: 2 },
  ]);
  expect(body).toMatchObject({
    accepted: 2,
    refused: 2,
    unknown: 1,
    refusals: [
      { request: 'basket-1', reason: expect.stringContaining('the request has 3 rows') },
      { request: 'basket-1', row: 3 },
    ],
    unknownLabels: [{ request: 'no-such-order' }],
  });
  await predict(price, [6], { request: 'order-7' });
  expect(await price.labels([{ request: 'order-7', row: 0, value: 5 }])).toMatchObject({ body: { repeated: 1 } });
  const csv = await sendText(
    price,
    'requests.tsv',
    'request\trow\tvalue\nbasket-1\t0\t1\nbasket-1\t2\t3\norder-7\t\t4\n',
  );
  expect(csv.answer).toMatchObject({ accepted: 2, corrected: 1 });
});
