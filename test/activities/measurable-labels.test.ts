import { expect, test } from 'vitest';
import type { DriftPolicy } from '../../activities/monitoring/drift-of.ts';
import { driftOf } from '../../activities/monitoring/drift-of.ts';
import { LeftOut, measurableLabels } from '../../activities/measurement/measurable-labels.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import { servedSample } from '../../activities/measurement/served-sample.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { Task } from '../../contracts/models/metrics.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import type { LabelTarget } from '../../contracts/monitoring/label-value.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { leftOutWords, LeftOutRows, ReportBody } from '../../contracts/monitoring/report.ts';
import { metricsOf } from '../../statistics/metrics/measure.ts';
import { regressionMetrics } from '../../statistics/metrics/regression-metrics.ts';
import { answeredCells } from '../support/answered-cells.ts';
import { bikeInput } from '../support/api.ts';

const ids = ['a', 'b', 'c', 'd', 'e'];

function measured(
  given: { ids: string[]; labels: (ClassValue | null)[]; predictions: Cell[] },
  task: Task,
  target: LabelTarget,
) {
  const leftOut = new LeftOut();
  const predictionOf = (row: number): Cell => given.predictions[row] ?? null;
  return { labels: measurableLabels({ ...given, predictionOf }, task, target, leftOut), leftOut: leftOut.list() };
}

test('one label or prediction of 1e300 is left out and named, and the other rows are measured', async () => {
  const served = { ids, predictions: [1, 1e300, null, 4, 5], labels: [1.5, 2, 3, 1e300, null] };
  const { labels, leftOut } = measured(served, 'regression', { kind: 'number' });
  expect(labels).toEqual([1.5, 2, 3, null, null]);
  expect(leftOut.map((entry) => LeftOutRows.parse(entry))).toEqual([
    { reason: 'prediction-unmeasurable', rows: 1, examples: [{ id: 'b', value: '1e+300' }] },
    { reason: 'label-unmeasurable', rows: 1, examples: [{ id: 'd', value: '1e+300' }] },
  ]);
  expect(leftOutWords(leftOut[1]!)).toBe(
    '1 labelled row was left out of the metrics, because the label is not a number that metrics can be computed with: 1e+300 for "d"',
  );
  const repositories = new Proxy({}, { get: () => expect.fail('a regression asks for no signatures') });
  const deps = { repositories } as Parameters<typeof servedSample>[0];
  const answered = answeredCells({ predictions: served.predictions, labels });
  const sample = await servedSample(deps, 'no-id', Configuration.parse(bikeInput), answered);
  expect(ReportBody.shape.performance.parse(metricsOf(sample!))).toMatchObject({ rows: 1, rmse: 0.5 });
});

test('a label of an older version that is no class is left out, and one in another notation is read', () => {
  const served = { ids, predictions: [true, false, true, false, true], labels: ['TRUE', 'yess', '0', null, 1] };
  const target: LabelTarget = { kind: 'class', classes: [false, true] };
  expect(measured(served, 'binary', target)).toEqual({
    labels: [true, null, false, null, true],
    leftOut: [{ reason: 'label-no-class', rows: 1, examples: [{ id: 'b', value: '"yess"' }] }],
  });
});

test('five examples are named, however many rows were left out', () => {
  const many = Array.from({ length: 12 }, (_, row) => `p${row}`);
  const served = { ids: many, predictions: many.map(() => 1), labels: many.map(() => 1e200) };
  const { leftOut } = measured(served, 'regression', { kind: 'number' });
  expect(leftOut).toMatchObject([{ rows: 12, examples: many.slice(0, 5).map((id) => ({ id })) }]);
  expect(leftOutWords(leftOut[0]!)).toMatch(/^12 labelled rows were left out .*, …$/);
});

test('r2 stays finite if the true values hardly vary', () => {
  const { r2 } = regressionMetrics([0, 1e-160], [1e150, 1e150]);
  expect(Number.isFinite(r2)).toBe(true);
});

test.each(['psi', 'ks', 'jensen-shannon', 'wasserstein', 'total-variation'] as const)(
  'the %s test of predictions copes with a prediction of 1e300',
  (numeric) => {
    const values = Array.from({ length: 300 }, (_, row) => row);
    const policy = {
      numeric,
      categorical: 'psi' as const,
      threshold: 0.2,
      exclude: [],
      minFeatures: 1,
    } satisfies DriftPolicy;
    const result = driftOf(referenceOf('prediction', values), [...values, 1e300, -1e300], 'prediction', policy);
    expect(ReportBody.shape.drift.parse([result])).toHaveLength(1);
  },
);
