import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBetterWhenSmall, Metrics, metricNames } from '../../contracts/models/metrics.ts';
import type { BinaryMetric } from '../../statistics/metrics/binary-metrics.ts';
import { binaryMetric, binaryMetrics } from '../../statistics/metrics/binary-metrics.ts';
import { bootstrapGain, bootstrapMetric, percentileInterval } from '../../statistics/metrics/block-bootstrap.ts';
import { blocksOf } from '../../statistics/metrics/block-metric.ts';
import { measure, metricsOf, pickRows, resampledMetric } from '../../statistics/metrics/measure.ts';
import { multiclassMetric, multiclassMetrics } from '../../statistics/metrics/multiclass-metrics.ts';
import { everyRow } from '../../statistics/metrics/ranking-metrics.ts';
import { regressionMetrics } from '../../statistics/metrics/regression-metrics.ts';
import { relativeGain } from '../../statistics/metrics/relative-gain.ts';
import type { BinarySample, MulticlassSample } from '../../statistics/metrics/sample.ts';
import { expectNearly } from '../support/nearly.ts';
import reference from './reference/classification.json' with { type: 'json' };

function binary(truth: readonly number[], probability: readonly number[], threshold = 0.5): BinarySample {
  return {
    task: 'binary',
    truth: Uint8Array.from(truth),
    probability: Float64Array.from(probability),
    decision: Uint8Array.from(probability, (value) => (value >= threshold ? 1 : 0)),
    positive: 'sick',
    threshold,
  };
}

function multiclass(
  truth: readonly number[],
  decision: readonly number[],
  probabilities: readonly (readonly number[])[],
): MulticlassSample {
  return {
    task: 'multiclass',
    classes: (probabilities[0] ?? []).map((_, place) => `class ${place}`),
    truth: Int32Array.from(truth),
    decision: Int32Array.from(decision),
    probabilities: Float64Array.from(probabilities.flat()),
  };
}

/** The metrics for which the reference has values. Metrics added later have their own tests. */
const referenceNames = {
  binary: ['rocAuc', 'averagePrecision', 'logLoss', 'brier', 'accuracy', 'precision', 'recall', 'f1', 'mcc', 'ece'],
  multiclass: ['accuracy', 'macroF1', 'weightedF1', 'logLoss', 'rocAuc'],
} as const;

describe('metrics of two classes equal scikit-learn', () => {
  it.each(reference.binary)('$name', ({ truth, probability, threshold, weights, expected, calibration }) => {
    const sample = binary(truth, probability, threshold);
    for (const metric of referenceNames.binary) {
      // scikit-learn has no ECE with weights.
      if (weights !== null && metric === 'ece') continue;
      const actual = binaryMetric(sample, metric)(weights ?? everyRow(truth.length));
      const wanted = expected[metric];
      if (wanted === null) expect(actual, metric).toBeNaN();
      else expectNearly(actual, wanted, metric);
    }
    if (weights !== null) return;
    const metrics = binaryMetrics(sample);
    expect(metrics.calibration).toHaveLength(calibration.length);
    for (const [at, bin] of calibration.entries()) {
      expectNearly(metrics.calibration![at]!.predicted, bin.predicted, 'predicted');
      expectNearly(metrics.calibration![at]!.observed, bin.observed, 'observed');
      expect(metrics.calibration![at]!.rows).toBe(bin.rows);
    }
  });

  it('rows of one class have no curve metrics, with the reason, and have all other metrics', () => {
    const metrics = Metrics.parse(binaryMetrics(binary([0, 0, 0], [0.2, 0.4, 0.9])));
    expect(metrics).toMatchObject({ rocAuc: null, averagePrecision: null, recall: null, mcc: null, precision: 0 });
    expect(metrics).toMatchObject({ undefined: { rocAuc: 'no row is of the class sick' } });
    expect(binaryMetrics(binary([1, 1], [0.2, 0.9])).undefined).toMatchObject({
      rocAuc: 'all rows are of the class sick',
      mcc: 'all rows are of the class sick',
    });
  });

  it('without probabilities their metrics are null, and decisions are measured', () => {
    const sample = { ...binary([0, 1, 1], [0.1, 0.8, 0.3]), probability: null, threshold: null };
    const metrics = binaryMetrics(sample);
    expect(metrics).toMatchObject({ rocAuc: null, logLoss: null, ece: null, calibration: null, accuracy: 2 / 3 });
    expect(metrics.undefined.brier).toBe('the model gives no probabilities');
  });
});

describe('metrics of several classes equal scikit-learn', () => {
  it.each(reference.multiclass)('$name', ({ truth, decision, probabilities, weights, expected, confusion }) => {
    const sample = multiclass(truth, decision, probabilities);
    for (const metric of referenceNames.multiclass) {
      const actual = multiclassMetric(sample, metric)(weights ?? everyRow(truth.length));
      const wanted = expected[metric];
      if (wanted === null) expect(actual, metric).toBeNaN();
      else expectNearly(actual, wanted, metric);
    }
    if (weights === null) expect(multiclassMetrics(sample).confusion).toEqual(confusion);
  });

  it('a class without a row leaves no mean ROC AUC, and is named', () => {
    const metrics = Metrics.parse(
      multiclassMetrics(
        multiclass(
          [0, 1],
          [0, 2],
          [
            [1, 0, 0],
            [0, 0, 1],
          ],
        ),
      ),
    );
    expect(metrics).toMatchObject({ rocAuc: null, undefined: { rocAuc: 'no row is of the class class 2' } });
  });
});

it('the pinball loss equals scikit-learn, and at the median it is half the mean absolute error', () => {
  for (const { quantile, truth, prediction, expected } of reference.pinball) {
    const { pinball, mae } = regressionMetrics(truth, prediction, quantile);
    expectNearly(pinball, expected, `quantile ${quantile}`);
    if (quantile === 0.5) expectNearly(pinball, mae / 2, 'half of it');
  }
});

describe('a resample of blocks', () => {
  const row = fc.record({ block: fc.nat(4), truth: fc.nat(1), score: fc.integer({ min: 0, max: 8 }) });

  it.each(metricNames.binary)('%s of any resample equals that of its rows written out', (metric) => {
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat(3), { minLength: 5, maxLength: 5 }),
        (rows, draws) => {
          const sample = binary(
            rows.map(({ truth }) => truth),
            rows.map(({ score }) => score / 8),
          );
          const blocks = blocksOf(rows.map(({ block }) => block));
          const drawn = Uint32Array.from(draws.slice(0, blocks.count));
          const written = rows.flatMap((_, at) => Array.from({ length: drawn[blocks.ofRow[at]!]! }, () => at));
          fc.pre(written.length > 0);
          const actual = resampledMetric(sample, metric, blocks)(drawn);
          const expected = measure(pickRows(sample, written), metric);
          if (Number.isNaN(expected)) expect(actual).toBeNaN();
          else expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('an interval of a ROC AUC contains its point estimate, and a better model has a gain above 0', () => {
    const { truth, probability } = reference.binary[0]!;
    const challenger = binary(truth, probability);
    const champion = binary(
      truth,
      probability.map((value, at) => (at % 3 === 0 ? 1 - value : value)),
    );
    const blocks = truth.map((_, at) => at);
    const estimate = bootstrapMetric({ sample: challenger, metric: 'rocAuc', blocks, seed: 0 });
    if (estimate.kind === 'inconclusive') throw new Error(estimate.because);
    const { low, high } = percentileInterval(estimate, 0.9);
    expect(low).toBeLessThan(estimate.point);
    expect(estimate.point).toBeLessThan(high);
    const gain = bootstrapGain({ challenger, champion, metric: 'rocAuc', better: 'large', blocks, seed: 0 });
    if (gain.kind === 'inconclusive') throw new Error(gain.because);
    expect(percentileInterval(gain, 0.9).low).toBeGreaterThan(0);
    expect(gain.point).toBe(relativeGain('large', measure(challenger, 'rocAuc'), measure(champion, 'rocAuc')));
  });

  it('is inconclusive if a resample has no row of one class', () => {
    const sample = binary([1, ...Array<number>(19).fill(0)], Array<number>(20).fill(0.1));
    const blocks = Array.from({ length: 20 }, (_, at) => at);
    expect(bootstrapMetric({ sample, metric: 'rocAuc', blocks, seed: 0 })).toEqual({
      kind: 'inconclusive',
      because: 'rocAuc is not defined on some of the resamples',
    });
    expect(bootstrapMetric({ sample, metric: 'logLoss', blocks, seed: 0 }).kind).toBe('estimate');
  });
});

it('every metric has a known direction, and is computed only for its tasks', () => {
  for (const loss of ['rmse', 'mae', 'mape', 'medianAbsoluteError', 'pinball', 'logLoss', 'brier', 'ece'] as const)
    expect(isBetterWhenSmall(loss), loss).toBe(true);
  for (const score of ['r2', 'rocAuc', 'accuracy', 'precision', 'recall', 'f1', 'mcc', 'macroF1'] as const)
    expect(isBetterWhenSmall(score), score).toBe(false);
  for (const metric of metricNames.binary satisfies readonly BinaryMetric[])
    expect(metricsOf(binary([0, 1], [0.1, 0.9]))).toHaveProperty(metric);
  expect(measure(binary([0, 1], [0.1, 0.9]), 'rmse')).toBeNaN();
});
