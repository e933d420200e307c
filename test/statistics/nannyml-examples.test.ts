import { describe, expect, it } from 'vitest';
import { metricNames } from '../../contracts/models/metrics.ts';
import {
  confidenceBasedEstimate,
  confidenceMetrics,
  confidenceSamplingErrors,
  samplingErrorOf,
} from '../../statistics/estimation/confidence-based-estimate.ts';
import {
  addLosses,
  directLossEstimate,
  fitDirectLoss,
  noLosses,
} from '../../statistics/estimation/direct-loss-estimate.ts';
import { heightAt, isotonicRegression } from '../../statistics/estimation/isotonic-regression.ts';
import {
  believedProbabilities,
  classCalibrations,
  multiclassConfidenceEstimate,
  multiclassSamplingErrors,
} from '../../statistics/estimation/multiclass-confidence-estimate.ts';
import { multiclassMetric } from '../../statistics/metrics/multiclass-metrics.ts';
import { expectNearly } from '../support/nearly.ts';
import reference from './reference/nannyml.json' with { type: 'json' };

// Reference values from NannyML, computed by reference/nannyml.py for synthetic classes and for NannyML's published
// examples.

const ofNannyml = ['accuracy', 'macroF1', 'rocAuc'] as const;

function expectWithin(actual: number, expected: number, tolerance: number): void {
  expect(Math.abs(actual - expected), `${actual} against ${expected}`).toBeLessThan(tolerance);
}

describe('confidence-based estimation of four classes', () => {
  const { classes, analysis, believed: firstBelieved, estimated, samplingError, asWeights, wanders } = reference.madeUp;
  const known = answersOf(classes, reference.madeUp.reference);
  const window = answersOf(classes, { ...analysis, truth: [] });
  const believed = believedProbabilities(window.probabilities, classCalibrations(known));
  const estimate = multiclassConfidenceEstimate(window, believed);
  const errors = multiclassSamplingErrors(known);

  it('calibrates the probability of each class against the rest as NannyML does', () => {
    firstBelieved.forEach((share, at) => expectNearly(believed[at]!, share, `probability ${at}`));
  });
  it.each(ofNannyml)('%s equals NannyML’s', (metric) => {
    expectNearly(estimate[metric], estimated[metric], metric);
  });
  it.each(ofNannyml)('the sampling error of %s equals NannyML’s', (metric) => {
    expectNearly(samplingErrorOf(errors[metric], window.decision.length), samplingError[metric], metric);
  });
  it.each(metricNames.multiclass)(
    '%s equals scikit-learn’s, with each row as every class and its probabilities as weights',
    (metric) => {
      expectNearly(estimate[metric], asWeights[metric], metric);
    },
  );
  it.each(metricNames.multiclass)('%s equals the metric of such rows as this project measures it', (metric) => {
    const width = classes.length;
    const each = Array.from({ length: believed.length }, (_, at) => Math.floor(at / width));
    const measured = multiclassMetric(
      {
        task: 'multiclass',
        classes,
        truth: Int32Array.from(each, (_row, at) => at % width),
        decision: Int32Array.from(each, (row) => window.decision[row]!),
        probabilities: Float64Array.from(
          each.flatMap((row) => [...window.probabilities.subarray(row * width, (row + 1) * width)]),
        ),
      },
      metric,
    )(believed);
    expectNearly(estimate[metric], measured, metric);
  });
  it.each(['weightedF1', 'logLoss'] as const)(
    'the sampling error of %s equals its standard deviation over resamples',
    (metric) => {
      expectWithin(samplingErrorOf(errors[metric], 400) / wanders[metric], 1, 0.05);
    },
  );
});

describe('a class that the holdout lacks', () => {
  const known = {
    classes: ['a', 'b', 'never'],
    truth: Int32Array.from({ length: 200 }, (_, row) => row % 2),
    decision: Int32Array.from({ length: 200 }, (_, row) => (row % 5 === 0 ? 1 - (row % 2) : row % 2)),
    probabilities: Float64Array.from(
      { length: 600 },
      (_, at) => [0.5 + (at % 7) / 100, 0.4 - (at % 7) / 100, 0.1][at % 3]!,
    ),
  };
  it('keeps its raw probability, and only its ROC AUC has no sampling error', () => {
    const curve = classCalibrations(known)[2]!;
    expect(heightAt(curve, 0.1)).toBe(0.1);
    const errors = multiclassSamplingErrors(known);
    for (const metric of metricNames.multiclass)
      expect(Number.isFinite(errors[metric].deviation), metric).toBe(metric !== 'rocAuc');
  });
  it('and a row with no calibrated probability at all counts all classes equally', () => {
    const nothing = { x: [0, 1], y: [0, 0] };
    expect([...believedProbabilities(Float64Array.of(0.7, 0.3), [nothing, nothing])]).toEqual([0.5, 0.5]);
  });
});

describe('NannyML’s example of credit cards', () => {
  const { classes, reference: rows, windows } = reference.creditCards;
  const known = answersOf(
    classes,
    cardsOf(rows.flatMap(([a, b, said, ...counts]) => counts.map((count, truth) => [a!, b!, said!, truth, count]))),
  );
  const curves = classCalibrations(known);
  const errors = multiclassSamplingErrors(known);

  describe.each(windows)('the window from row $from', ({ from, rows: served, calibrated, ...expected }) => {
    const window = answersOf(classes, cardsOf(served.map(([a, b, said, count]) => [a!, b!, said!, -1, count!])));
    const theirs = curves.map((curve, place) => (calibrated[place] ? curve : { x: [0, 1], y: [0, 1] }));
    const estimate = multiclassConfidenceEstimate(window, believedProbabilities(window.probabilities, theirs));
    const ours = multiclassConfidenceEstimate(window, believedProbabilities(window.probabilities, curves));

    it.each(ofNannyml)('%s equals NannyML’s with the calibrations that NannyML chooses', (metric) => {
      // NannyML orders ties arbitrarily, by an unstable quicksort.
      if (metric === 'rocAuc') expectWithin(estimate.rocAuc, expected.estimated.rocAuc, 1e-6);
      else expectNearly(estimate[metric], expected.estimated[metric], metric);
    });
    it.each(ofNannyml)('%s equals NannyML’s with every class calibrated, as here and in its tutorial', (metric) => {
      if (metric === 'rocAuc') expectWithin(ours.rocAuc, expected.eachCalibrated.rocAuc, 5e-6);
      else expectNearly(ours[metric], expected.eachCalibrated[metric], metric);
      // The tutorial prints these values with six decimal places.
      const printed = new Map([
        [0, { macroF1: 0.753301, rocAuc: 0.906962 }],
        [30_000, { macroF1: 0.630985, rocAuc: 0.819359 }],
      ]).get(from)!;
      if (metric !== 'accuracy') expectWithin(ours[metric], printed[metric], metric === 'rocAuc' ? 5e-6 : 6e-7);
    });
    it.each(ofNannyml)('the sampling error of %s equals NannyML’s', (metric) => {
      const error = samplingErrorOf(errors[metric], window.decision.length);
      if (metric === 'rocAuc') expectWithin(error / expected.samplingError.rocAuc, 1, 1e-3);
      else expectNearly(error, expected.samplingError[metric], metric);
    });
    it.each(metricNames.multiclass)('%s equals scikit-learn’s by weight', (metric) => {
      expectNearly(estimate[metric], expected.asWeights[metric], metric);
    });
  });
  it('is right while only inputs shift, and too high once the concept changes', () => {
    const [before, after] = windows;
    for (const metric of ofNannyml) {
      const wander = 2 * before!.samplingError[metric];
      expectWithin(before!.eachCalibrated[metric], before!.realized[metric], wander);
      expect(after!.eachCalibrated[metric] - after!.realized[metric]).toBeGreaterThan(wander);
    }
  });
});

describe('NannyML’s example of car loans', () => {
  const { reference: rows, windows } = reference.carLoan;
  const known = loansOf(rows);
  const curve = isotonicRegression(known.probability, known.truth);
  const errors = confidenceSamplingErrors(known.truth, known);

  describe.each(windows)('the window from row $from', ({ rows: served, ...expected }) => {
    const window = loansOf(served.map(([percent, said, count]) => [percent!, said!, -1, count!]));
    const believed = window.probability.map((raw) => heightAt(curve, raw));
    const estimate = confidenceBasedEstimate({ ...window, believed });

    it.each(confidenceMetrics)('%s equals NannyML’s', (metric) => {
      // NannyML rounds the counts under its ROC curve to five decimal places.
      if (metric === 'rocAuc') expectWithin(estimate.rocAuc, expected.estimated.rocAuc, 1e-7);
      else expectNearly(estimate[metric], expected.estimated[metric], metric);
    });
    it.each(confidenceMetrics)('the sampling error of %s equals NannyML’s', (metric) => {
      const error = samplingErrorOf(errors[metric], window.decision.length);
      if (metric === 'rocAuc') expectWithin(error / expected.samplingError.rocAuc, 1, 0.02);
      else expectNearly(error, expected.samplingError[metric], metric);
    });
  });
});

describe('NannyML’s example of car prices', () => {
  const { features, reference: known, windows } = reference.carPrice;
  const inputsOf = (columns: Readonly<Record<string, readonly number[]>>) =>
    [...features, 'y_pred'].map((name) => columns[name]!);
  const model = fitDirectLoss(inputsOf(known), known.y_pred, known.y_true);

  describe.each(windows)('the window from row $from', ({ columns, estimated, samplingError, realized }) => {
    const estimate = directLossEstimate(model, addLosses(noLosses, model, inputsOf(columns), columns.y_pred.length));
    it.each(['mae', 'rmse'] as const)(
      'the sampling error of %s equals NannyML’s, and the estimate is near',
      (metric) => {
        expectNearly(estimate[metric].samplingError, samplingError[metric], metric);
        expectWithin(estimate[metric].value, estimated[metric], 3 * samplingError[metric]);
        expectWithin(estimate[metric].value, realized[metric], 3 * samplingError[metric]);
      },
    );
  });
});

function answersOf(
  classes: readonly string[],
  given: {
    readonly truth: readonly number[];
    readonly decision: readonly number[];
    readonly probabilities: readonly number[];
  },
) {
  return {
    classes,
    truth: Int32Array.from(given.truth),
    decision: Int32Array.from(given.decision),
    probabilities: Float64Array.from(given.probabilities),
  };
}

/** Expands rows of the form: the first two of three probabilities in percent, decision, truth, number of rows. */
function cardsOf(rows: readonly (readonly number[])[]) {
  const each = rows.flatMap((row) => Array.from({ length: row[4]! }, () => row));
  return {
    truth: each.map((row) => row[3]!),
    decision: each.map((row) => row[2]!),
    probabilities: each.flatMap((row) => [row[0]! / 100, row[1]! / 100, (100 - row[0]! - row[1]!) / 100]),
  };
}

/** Expands rows of the form: probability in percent, decision, truth, number of rows. */
function loansOf(rows: readonly (readonly number[])[]) {
  const each = rows.flatMap((row) => Array.from({ length: row[3]! }, () => row));
  return {
    probability: each.map((row) => row[0]! / 100),
    decision: each.map((row) => row[1]!),
    truth: each.map((row) => row[2]!),
  };
}
