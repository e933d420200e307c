import { expect, test } from 'vitest';
import { performanceVerdicts } from '../../activities/monitoring/verdicts.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { RegressionMetrics } from '../../contracts/models/metrics.ts';
import type { PerformanceEstimate } from '../../contracts/monitoring/report.ts';
import { bikeInput } from '../support/api.ts';

const { monitor } = Configuration.parse(bikeInput);

function verdicts(
  given: { readonly labels?: readonly [rows: number, rmse: number]; readonly estimate?: readonly [number, number] },
  estimated?: boolean,
) {
  const [rows, rmse] = given.labels ?? [0, 0];
  const measured: RegressionMetrics = {
    task: 'regression',
    rows,
    rmse,
    mae: 1,
    r2: 0,
    mape: 1,
    medianAbsoluteError: 1,
  };
  const [estimatedRows, value] = given.estimate ?? [0, 0];
  const estimate: PerformanceEstimate = {
    method: 'dle',
    rows: estimatedRows,
    referenceRows: 300,
    metrics: [{ name: 'rmse', value, samplingError: 1 }],
  };
  return performanceVerdicts(
    {
      performance: given.labels === undefined ? null : measured,
      estimate: given.estimate === undefined ? null : estimate,
    },
    { ...monitor, minRows: 200, performance: { metric: 'rmse', max: 100, estimated } },
  ).map(({ subject, value: told, breached }) => [subject, told, breached]);
}

test('labels alone decide unless the configuration lets the estimate decide as well', () => {
  expect(verdicts({ labels: [199, 500], estimate: [1000, 500] })).toEqual([]);
  expect(verdicts({ labels: [200, 90], estimate: [1000, 500] })).toEqual([['rmse', 90, false]]);
});

test('with too few labels, the estimate has a finding of its own once it has enough rows', () => {
  expect(verdicts({ labels: [199, 90], estimate: [1000, 101] }, true)).toEqual([['rmse (estimated)', 101, true]]);
  expect(verdicts({ estimate: [200, 100] }, true)).toEqual([['rmse (estimated)', 100, false]]);
  expect(verdicts({ estimate: [199, 500] }, true)).toEqual([]);
  expect(verdicts({}, true)).toEqual([]);
});

test('good labels close a finding of the estimate, and no estimate closes a finding of labels', () => {
  expect(verdicts({ labels: [200, 90], estimate: [1000, 500] }, true)).toEqual([
    ['rmse', 90, false],
    ['rmse (estimated)', 90, false],
  ]);
  expect(verdicts({ labels: [200, 110], estimate: [1000, 90] }, true)).toEqual([['rmse', 110, true]]);
});
