import { describe, expect, it } from 'vitest';
import { decileEdges } from '../../statistics/drift/decile-edges.ts';
import { kolmogorovTail } from '../../statistics/probability/kolmogorov-tail.ts';
import { quantile } from '../../statistics/probability/quantile.ts';
import { regressionMetrics } from '../../statistics/metrics/regression-metrics.ts';
import { seededRandom } from '../../statistics/probability/seeded-random.ts';
import { upperIncompleteGamma } from '../../statistics/probability/upper-incomplete-gamma.ts';
import { expectNearly } from '../support/nearly.ts';
import distributions from './reference/distributions.json' with { type: 'json' };
import reference from './reference/statistics.json' with { type: 'json' };

describe('distributions equal SciPy on both sides of every change of algorithm', () => {
  it('for the Kolmogorov–Smirnov tail', () => {
    for (const [n, d, tail] of distributions.kolmogorovTail)
      expectNearly(kolmogorovTail(n!, d!), tail!, `n=${n} d=${d}`);
    expect(distributions.kolmogorovTail.length).toBeGreaterThan(500);
  });
  it('for the upper incomplete gamma function, far tails included', () => {
    for (const [a, x, tail] of distributions.upperIncompleteGamma) {
      const actual = upperIncompleteGamma(a!, x!);
      expectNearly(actual, tail!, `a=${a} x=${x}`);
      if (x! > a! && tail! > 1e-300) expect(Math.abs(actual / tail! - 1), `a=${a} x=${x}`).toBeLessThan(1e-9);
    }
    expect(upperIncompleteGamma(3, 0)).toBe(1);
  });
});

describe('regression metrics equal scikit-learn', () => {
  it('on five hundred hours of bike demand', () => {
    const { y_true: truth, y_pred: prediction, ...expected } = reference.metrics.regression;
    const metrics = regressionMetrics(truth, prediction);
    expect(metrics.rows).toBe(500);
    expectNearly(metrics.rmse, expected.rmse, 'rmse');
    expectNearly(metrics.mae, expected.mae, 'mae');
    expectNearly(metrics.r2, expected.r2, 'r2');
    expectNearly(metrics.mape, expected.mape, 'mape');
    expectNearly(metrics.medianAbsoluteError, expected.median_absolute_error, 'median');
  });
  it('for a truth that is 0, constant, negative or far from 0', () => {
    for (const { truth, prediction, ...expected } of distributions.regressionMetrics) {
      const metrics = regressionMetrics(truth, prediction);
      for (const name of ['rmse', 'mae', 'r2', 'mape', 'medianAbsoluteError'] as const)
        expectNearly(metrics[name], expected[name], name);
    }
  });
  it('no rows, or a missing prediction, are an error and not a number', () => {
    expect(() => regressionMetrics([], [])).toThrow('no rows');
    expect(() => regressionMetrics([1, 2], [1])).toThrow('there are 1 predictions for 2 rows');
  });
});

it('quantiles equal NumPy to the last bit, so that an edge on a value is exactly that value', () => {
  for (const { sorted, deciles } of distributions.quantiles) {
    expect(deciles.map((_, i) => quantile(sorted, (i + 1) / 10))).toEqual(deciles);
    expect(decileEdges(sorted)).toEqual([...new Set(deciles)]);
  }
  expect(() => quantile([], 0.5)).toThrow(RangeError);
  expect(decileEdges([])).toEqual([]);
});

it('a seed gives the published numbers of xoshiro128**', () => {
  for (const [seed, expected] of Object.entries(distributions.seededRandom)) {
    const random = seededRandom(Number(seed));
    expect(expected.map(() => random(2 ** 32))).toEqual(expected);
  }
});
