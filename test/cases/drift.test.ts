import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DriftResult, Report } from '../../contracts/monitoring/report.ts';
import { heldAgainst } from '../../contracts/monitoring/report.ts';
import { seededRandom } from '../../statistics/probability/seeded-random.ts';
import { model, node, value } from '../support/onnx-models.ts';
import type { CaseGround, CaseModel } from './case-ground.ts';
import { caseFile, layCaseGround } from './case-ground.ts';

// One model with one feature for each case: its training values are the reference and its served values are the window.
// The model predicts `x` and ignores the other features.

type Values = readonly (number | string | null)[];
const [trained, served] = [9_000, 600];
const many = <Value>(rows: number, of: (row: number) => Value): Value[] =>
  Array.from({ length: rows }, (_, row) => of(row));

interface Case {
  readonly reference: Values;
  readonly window: Values;
  readonly drifts: boolean;
}

/** Reads a checked-in input. Values are repeated where the file has fewer than the training rows. */
function input(folder: string, drifts: boolean): Case {
  const values = (side: string): Values => {
    const [, ...lines] = readFileSync(caseFile(`drift/${folder}/${side}.csv`), 'utf8')
      .replace(/\n$/, '')
      .split('\n');
    return lines.map((line) => (line === '' ? null : Number.isNaN(Number(line)) ? line : Number(line)));
  };
  return { reference: values('reference'), window: values('window'), drifts };
}

const random = seededRandom(9);
const shop = (of: number) => `shop ${random(of)}`;
const amount = (zeros: number, times = 1) => (random(100) < zeros ? 0 : (1 + random(9_000)) * 0.25 * times);
const sibling = (reference: () => Values[number], window: () => Values[number], drifts: boolean): Case => ({
  reference: many(trained, reference),
  window: many(served, window),
  drifts,
});

const cases: Readonly<Record<string, Case>> = {
  more_zeros: input('more-zeros', true),
  larger_amounts: input('same-zeros-larger-amounts', true),
  constant_up: input('constant-moves-up', true),
  constant_down: input('constant-moves-down', true),
  all_missing: input('all-missing-now', true),
  replaced: input('category-replaced', true),
  same_80: input('same-80-categories', false),
  same_700: input('same-700-categories', false),
  same_4000: input('same-4000-categories', false),
  days_of_month: input('days-of-month', false),
  fewer_zeros: sibling(
    () => amount(95),
    () => amount(50),
    true,
  ),
  hundredfold: sibling(
    () => amount(95),
    () => amount(95, 100),
    true,
  ),
  same_amounts: sibling(
    () => amount(95),
    () => amount(95),
    false,
  ),
  same_1000: sibling(
    () => shop(1_000),
    () => shop(1_000),
    false,
  ),
  half_new: sibling(
    () => shop(1_000),
    () => `${random(2) === 0 ? '' : 'new '}${shop(1_000)}`,
    true,
  ),
  one_dies: sibling(
    () => (random(5) === 0 ? 'market' : shop(50)),
    () => shop(50),
    true,
  ),
  words_missing: sibling(
    () => shop(9),
    () => null,
    true,
  ),
  constant_whole: sibling(
    () => 0,
    () => 1,
    true,
  ),
  code_new: sibling(
    () => 1 + random(5),
    () => 1 + random(6),
    true,
  ),
  code_declared: sibling(
    () => [5, 70, 900][random(3)]!,
    () => [5, 71, 900][random(3)]!,
    true,
  ),
  often_missing: sibling(
    () => (random(20) === 0 ? null : random(4_000) / 4),
    () => (random(5) < 3 ? null : random(4_000) / 4),
    false,
  ),
};
const features = ['x', ...Object.keys(cases)];
const isText = (name: string): boolean => cases[name]?.reference.some((cell) => typeof cell === 'string') === true;

let ground: CaseGround;
let shops: CaseModel;
let report: Report;

beforeAll(async () => {
  ground = await layCaseGround();
  shops = await ground.model('shops', {
    data: { features, columns: { code_declared: 'category' }, fill: { words_missing: 'none' } },
    build: { metric: 'rmse' },
    serve: { missing: 'allow' },
    monitor: { minRows: 200, performance: { metric: 'mae', max: 100 } },
  });
  await shops.artifact(
    model({
      nodes: [node('Identity', ['x'], ['y'])],
      inputs: features.map((name) => value(name, isText(name) ? 'STRING' : 'FLOAT', ['rows', 1])),
      outputs: [value('y', 'FLOAT', ['rows', 1])],
    }),
  );
  const columns = Object.values(cases).map(({ reference }) => reference);
  const lines = many(trained, (row) =>
    [row, row % 50, row % 50, ...columns.map((column) => column[row % column.length] ?? '')].join(','),
  );
  await shops.serve({ name: 'rows.csv', content: [['id', 'y', ...features].join(','), ...lines, ''].join('\n') });
  const tensor = (name: string, data: Values) => ({
    name,
    datatype: isText(name) ? 'BYTES' : 'FP32',
    shape: [served],
    data,
  });
  const ids = many(served, (row) => `p${row}`);
  const answer = await shops.infer({
    parameters: { prediction_ids: ids },
    inputs: [
      tensor(
        'x',
        many(served, (row) => row % 50),
      ),
      ...Object.entries(cases).map(([name, { window }]) => tensor(name, window.slice(0, served))),
    ],
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  expect((await shops.labels(ids.map((id, row) => ({ id, value: (row % 50) + 2 })))).status).toBe(200);
  report = await shops.monitor();
});
afterAll(() => ground?.end());

const resultOf = (column: string): DriftResult => {
  const result = report.body.drift.find((each) => each.column === column);
  if (result === undefined) throw new Error(`the report lacks ${column}`);
  return result;
};

describe('a feature', () => {
  test.each(Object.entries(cases))('%s', (name, { drifts }) => {
    const result = resultOf(name);
    expect(result, JSON.stringify({ ...result, distribution: undefined })).toMatchObject({ drifted: drifts });
    if (drifts) expect(result.statistic).toBeGreaterThanOrEqual(heldAgainst(result));
    expect(result.critical).toBeGreaterThanOrEqual(0);
    const opened = report.body.findings.some(({ kind, subject }) => kind === 'drift' && subject === name);
    expect(opened).toBe(drifts);
  });

  test('without any value is first in the report, and the share of missing values is a finding by default', () => {
    const [first, second] = report.body.drift;
    expect([first, second].map((result) => [result?.column, result?.test])).toEqual([
      ['all_missing', 'missing'],
      ['words_missing', 'missing'],
    ]);
    const missing = report.body.findings.filter(({ kind }) => kind === 'missing').map(({ subject }) => subject);
    expect(missing.toSorted()).toEqual(['all_missing', 'often_missing', 'words_missing']);
  });
});

test('the configured metric comes first in the report, on the command line and on the page', async () => {
  expect(report.body.metric).toBe('mae');
  expect((await ground.cli('reports', '-m', 'shops')).stdout).toContain('mae 2.00');
  const shown = await ground.cli('reports', 'show', report.id, '-m', 'shops');
  expect(shown.stdout).toContain('mae 2.00');
  expect(shown.stdout).toMatch(/same_80 +feature +psi +0\.\d+ +0\.2 +up to 0\.\d+ +steady/);
  const page = await fetch(`${ground.stack.api}/v1/models/shops/reports/latest/page.html`, {
    headers: { authorization: `Bearer ${ground.stack.keys.operator}` },
  });
  expect(await page.text()).toContain('mae, measured');
});

test('a repeated report of the same rows has the same numbers', async () => {
  const again = await shops.monitor({ asOf: report.body.to, window: '1 day' });
  expect(again.body.drift).toEqual(report.body.drift);
});
