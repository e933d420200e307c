import { byRow, bytesByRow } from '../metrics/by-row.ts';
import type { SamplingError } from './confidence-based-estimate.ts';
import { deviationOf, expectedRocAuc, rocAucSamplingError } from './confidence-based-estimate.ts';
import type { RisingCurve } from './isotonic-regression.ts';
import { heightAt, isotonicRegression } from './isotonic-regression.ts';
import type { ClassCounts } from '../metrics/class-counts.ts';
import { countsOf, meanF1 } from '../metrics/class-counts.ts';
import { everyRow } from '../metrics/ranking-metrics.ts';
import type { MulticlassSample } from '../metrics/sample.ts';
import { clippedLog } from '../metrics/sample.ts';

type EstimatedMetric = 'accuracy' | 'macroF1' | 'weightedF1' | 'logLoss' | 'rocAuc';

/** Decisions and probabilities of a multiclass model. The probabilities are one per class, row after row. */
export interface ConfidentAnswers extends Pick<MulticlassSample, 'classes' | 'decision'> {
  readonly probabilities: Float64Array;
}

/** Decisions and probabilities of rows with known truth. */
export interface KnownAnswers extends ConfidentAnswers, Pick<MulticlassSample, 'truth'> {}

/**
 * Identity curve, which keeps probabilities as they are. It is used for a class that no row or every row is of, because
 * no calibration can be learnt for it.
 */
const asGiven: RisingCurve = { x: [0, 1], y: [0, 1] };

/**
 * Fits a calibration curve for each class, on that class against the rest.
 *
 * Source: NannyML 0.13, `CBPE`. NannyML leaves a class uncalibrated if ten splits of the rows show that calibration
 * does not help; here, every class is calibrated.
 *
 * @returns one curve per class, from its probability to the share of rows of that class.
 */
export function classCalibrations({ classes, truth, probabilities }: KnownAnswers): RisingCurve[] {
  return classes.map((_, place) => {
    const isOf = byRow(truth.length, (row) => (truth[row] === place ? 1 : 0));
    if (isOf.every((value) => value === isOf[0])) return asGiven;
    return isotonicRegression(columnOf(probabilities, place, classes.length), isOf);
  });
}

/**
 * Returns the calibrated probabilities: the curve of each class is applied, and each row is scaled to a sum of 1. If
 * all values of a row are 0, its classes get equal probabilities.
 */
export function believedProbabilities(probabilities: Float64Array, curves: readonly RisingCurve[]): Float64Array {
  const width = curves.length;
  const believed = probabilities.map((raw, at) => heightAt(curves[at % width] ?? asGiven, raw));
  for (let from = 0; from < believed.length; from += width) {
    const row = believed.subarray(from, from + width);
    const sum = row.reduce((total, share) => total + share, 0);
    row.forEach((share, place) => (row[place] = sum === 0 ? 1 / width : share / sum));
  }
  return believed;
}

/**
 * Estimates the metrics of a multiclass classifier on rows without labels by confidence-based performance estimation:
 * each row is assumed to be of each class with its calibrated probability. The estimate is right under the conditions
 * of `confidenceBasedEstimate`. ROC AUC is NaN if no row is expected to be of one of the classes.
 *
 * Source: NannyML 0.13, `CBPE`, for accuracy, macro F1 and ROC AUC; rows with the same probability of a class are one
 * step of its curve, whatever their order. Weighted F1 and log loss equal scikit-learn's for rows weighted by the
 * calibrated probabilities.
 *
 * @param believed calibrated probabilities, in the order of the model's probabilities.
 */
export function multiclassConfidenceEstimate(
  answers: ConfidentAnswers,
  believed: Float64Array,
): Record<EstimatedMetric, number> {
  const { classes, decision, probabilities } = answers;
  const width = classes.length;
  const counts = expectedCounts(answers, believed);
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  const areas = classes.map((_, place) =>
    expectedRocAuc({
      probability: columnOf(probabilities, place, width),
      believed: columnOf(believed, place, width),
    }),
  );
  return {
    accuracy: sum(counts.hits) / decision.length,
    macroF1: meanF1(counts, () => 1),
    weightedF1: meanF1(counts, (support) => support),
    logLoss: sum(probabilities.map((raw, at) => -(believed[at] ?? 0) * clippedLog(raw))) / decision.length,
    rocAuc: areas.reduce((total, area) => total + area, 0) / width,
  };
}

function expectedCounts({ classes, decision }: ConfidentAnswers, believed: Float64Array): ClassCounts {
  const width = classes.length;
  const [hits, support, said] = [new Float64Array(width), new Float64Array(width), new Float64Array(width)];
  believed.forEach((share, at) => {
    const place = at % width;
    support[place] = (support[place] ?? 0) + share;
    if (decision[(at - place) / width] !== place) return;
    hits[place] = (hits[place] ?? 0) + share;
    said[place] = (said[place] ?? 0) + 1;
  });
  return { hits, support, said };
}

/**
 * Estimates the sampling error of each metric from rows with known truth. NaN if it cannot be estimated, for example
 * for ROC AUC if no row is of one of the classes.
 *
 * Source: NannyML 0.13, `sampling_error`, for accuracy, macro F1 and ROC AUC. The error of log loss is that of a mean.
 * The error of weighted F1 follows from the delta method, by the effect of one more row.
 */
export function multiclassSamplingErrors(sample: KnownAnswers): Record<EstimatedMetric, SamplingError> {
  const { classes, truth, decision, probabilities } = sample;
  const ofEvery = (values: readonly number[]): SamplingError => ({ deviation: deviationOf(values), fraction: 1 });
  const right = Array.from(truth, (actual, row) => (actual === decision[row] ? 1 : 0));
  const hitsOfClass = classes.flatMap((_, place): SamplingError[] => {
    const relevant = right.filter((_hit, row) => truth[row] === place || decision[row] === place);
    const error = { deviation: deviationOf(relevant), fraction: relevant.length / truth.length };
    return relevant.length === 0 ? [] : [error];
  });
  const areas = classes.map((_, place) =>
    rocAucSamplingError(
      bytesByRow(truth.length, (row) => (truth[row] === place ? 1 : 0)),
      columnOf(probabilities, place, classes.length),
    ),
  );
  return {
    accuracy: ofEvery(right),
    macroF1: ofMean(hitsOfClass),
    weightedF1: ofEvery(pullsOnWeightedF1(sample)),
    logLoss: ofEvery(
      Array.from(truth, (actual, row) => -clippedLog(probabilities[row * classes.length + actual] ?? 0)),
    ),
    rocAuc: ofMean(areas, areasMoveTogether),
  };
}

/**
 * Factor by which the error of the mean of the classes' areas is understated if the areas are assumed to be
 * independent, according to NannyML's experiments.
 */
const areasMoveTogether = 1.2;

function ofMean(ofClasses: readonly SamplingError[], times = 1): SamplingError {
  const variance = ofClasses.reduce((sum, { deviation, fraction }) => sum + deviation ** 2 / fraction, 0);
  return { deviation: (times * Math.sqrt(variance)) / ofClasses.length, fraction: 1 };
}

/**
 * Returns the influence of each row on weighted F1, apart from a constant term: the derivative of the metric with
 * respect to the row's weight.
 */
function pullsOnWeightedF1(sample: KnownAnswers): number[] {
  const { truth, decision } = sample;
  const { hits, support, said } = countsOf(sample, everyRow(truth.length));
  const rowsOf = (place: number): number => (support[place] ?? 0) + (said[place] ?? 0);
  const f1 = (place: number): number => (2 * (hits[place] ?? 0)) / rowsOf(place);
  const weight = (place: number): number => (support[place] ?? 0) / rowsOf(place);
  return Array.from(truth, (actual, row) => {
    const answer = decision[row] ?? 0;
    const hit = actual === answer ? 2 * weight(actual) : 0;
    return f1(actual) + hit - weight(actual) * f1(actual) - weight(answer) * f1(answer);
  });
}

function columnOf(values: Float64Array, place: number, width: number): Float64Array {
  return Float64Array.from({ length: values.length / width }, (_, row) => values[row * width + place] ?? 0);
}
