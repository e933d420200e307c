import { seededUniform } from '../../statistics/probability/seeded-random.ts';
import { describe, expect, it } from 'vitest';
import { fitBoostedTrees } from '../../statistics/estimation/boosted-trees.ts';
import { boostedValues } from '../../statistics/estimation/boosted-values.ts';
import {
  confidenceBasedEstimate,
  confidenceMetrics,
  confidenceSamplingErrors,
  samplingErrorOf,
} from '../../statistics/estimation/confidence-based-estimate.ts';
import { heightAt, isotonicRegression } from '../../statistics/estimation/isotonic-regression.ts';
import {
  addLosses,
  directLossEstimate,
  fitDirectLoss,
  noLosses,
} from '../../statistics/estimation/direct-loss-estimate.ts';
import { expectNearly } from '../support/nearly.ts';
import reference from './reference/estimates.json' with { type: 'json' };

// Reference values from NannyML and scikit-learn, for data from a fixed seed.

it('isotonic regression equals scikit-learn’s, between and beyond the points', () => {
  const { x, y, at, height } = reference.isotonic;
  const curve = isotonicRegression(x, y);
  at.forEach((place, i) => expectNearly(heightAt(curve, place), height[i]!, `at ${place}`));
  expect(heightAt(isotonicRegression([1], [0.3]), 7)).toBe(0.3);
  expect(() => isotonicRegression([], [])).toThrow(RangeError);
});

describe('confidence-based estimation equals NannyML’s', () => {
  const { reference: known, analysis, estimated, samplingError } = reference.cbpe;
  const curve = isotonicRegression(known.probability, known.truth);
  const rows = { ...analysis, believed: analysis.probability.map((raw) => heightAt(curve, raw)) };

  it.each(confidenceMetrics)('for %s, calibrated', (metric) => {
    // NannyML rounds the counts under its ROC curve to five decimal places.
    if (metric === 'rocAuc') expect(confidenceBasedEstimate(rows).rocAuc).toBeCloseTo(estimated.rocAuc, 5);
    else expectNearly(confidenceBasedEstimate(rows)[metric], estimated[metric], metric);
  });
  it.each(confidenceMetrics)('for the sampling error of %s', (metric) => {
    const errors = confidenceSamplingErrors(known.truth, known);
    // NannyML orders rows with equal probabilities arbitrarily, by an unstable quicksort.
    if (metric === 'rocAuc') return expect(samplingErrorOf(errors.rocAuc, 400)).toBeCloseTo(samplingError.rocAuc, 5);
    expectNearly(samplingErrorOf(errors[metric], analysis.decision.length), samplingError[metric], metric);
  });
});

describe('direct loss estimation', () => {
  const { reference: known, analysis, estimated, samplingError, realized, onReference } = reference.dle;
  const model = fitDirectLoss([known.a, known.b, known.y_pred], known.y_pred, known.y_true);
  const estimate = directLossEstimate(
    model,
    addLosses(noLosses, model, [analysis.a, analysis.b, analysis.y_pred], analysis.y_pred.length),
  );

  it.each(['mae', 'rmse'] as const)('the sampling error of %s equals NannyML’s', (metric) => {
    expectNearly(estimate[metric].samplingError, samplingError[metric], metric);
  });
  it.each(['mae', 'rmse'] as const)(
    '%s is near NannyML’s, whose trees are LightGBM’s, and near the true value',
    (metric) => {
      const wander = 3 * samplingError[metric];
      expect(Math.abs(estimate[metric].value - estimated[metric])).toBeLessThan(wander);
      expect(Math.abs(estimate[metric].value - realized[metric])).toBeLessThan(wander);
      // The rows moved to where the model's errors are larger, and the estimate rises without any label.
      expect(estimate[metric].value - onReference[metric]).toBeGreaterThan(wander);
    },
  );
});

describe('boosted trees', () => {
  it('find a step, are the same for the same rows, and send missing values to the left', () => {
    const x = Array.from({ length: 400 }, (_, at) => at / 400);
    const y = x.map((value) => (value > 0.5 ? 10 : 2));
    const model = fitBoostedTrees([x], y);
    expect(boostedValues(model, [[0.9]], 1)[0]).toBeCloseTo(10, 0);
    expect(boostedValues(model, [[0.1]], 1)[0]).toBeCloseTo(2, 0);
    expect(boostedValues(model, [[Number.NaN]], 1)[0]).toBe(boostedValues(model, [[0]], 1)[0]);
    expect(fitBoostedTrees([x], y)).toEqual(model);
  });
  it('predict for many rows what following each tree by itself predicts', () => {
    const random = seededUniform(5);
    // A tree with a leaf above the last level, a tree that is one leaf, and a feature that no row has.
    const trees = [
      {
        feature: [0, -1, 1, -1, 2, -1, -1],
        threshold: [0.4, 0, 0.6, 0, Infinity, 0, 0],
        left: [1, 0, 3, 0, 5, 0, 0],
        right: [2, 0, 4, 0, 6, 0, 0],
        value: [0, 1.5, 0, -2, 0, 3.25, 100],
      },
      { feature: [-1], threshold: [0], left: [0], right: [0], value: [0.125] },
      { feature: [3, -1, -1], threshold: [0.5, 0, 0], left: [1, 0, 0], right: [2, 0, 0], value: [0, 7, 9] },
    ];
    const rows = 5_000;
    const cell = (): number => (random() < 0.1 ? Number.NaN : random());
    const columns = [
      Float64Array.from({ length: rows }, cell),
      Array.from({ length: rows }, cell),
      Float64Array.from({ length: rows }, () => Infinity),
    ];
    const byHand = Array.from({ length: rows }, (_, row) =>
      trees.reduce((sum, { feature, threshold, left, right, value }) => {
        let node = 0;
        while (feature[node]! >= 0)
          node = (columns[feature[node]!]?.[row] ?? Number.NaN) > threshold[node]! ? right[node]! : left[node]!;
        return sum + value[node]!;
      }, 2),
    );
    expect([...boostedValues({ start: 2, trees }, columns, rows)]).toEqual(byHand);
  });
  it('predict the mean if nothing can be split', () => {
    expect(boostedValues(fitBoostedTrees([], [1, 3]), [], 1)[0]).toBe(2);
    expect(() => fitBoostedTrees([], [])).toThrow(RangeError);
  });
});
