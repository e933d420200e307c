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

/** What a model of several classes said; its probabilities are one a class, row after row. */
export interface ConfidentAnswers extends Pick<MulticlassSample, 'classes' | 'decision'> {
  readonly probabilities: Float64Array;
}

/** The same of rows whose truth is known. */
export interface KnownAnswers extends ConfidentAnswers, Pick<MulticlassSample, 'truth'> {}

/** Where no row, or each, is of a class, nothing can be learnt of it, and it is taken at its word. */
const asGiven: RisingCurve = { x: [0, 1], y: [0, 1] };

/**
 * How far each class's probability can be believed, learnt of that class against the rest.
 *
 * Source: NannyML 0.13, `CBPE`, which leaves a class as it is where ten splits of the rows say that this does not help. Here
 * every class is calibrated.
 *
 * @returns one curve a class, from its probability to the share of rows that are of it.
 */
export function classCalibrations({ classes, truth, probabilities }: KnownAnswers): RisingCurve[] {
  return classes.map((_, place) => {
    const isOf = Float64Array.from(truth, (actual) => (actual === place ? 1 : 0));
    if (isOf.every((value) => value === isOf[0])) return asGiven;
    return isotonicRegression(columnOf(probabilities, place, classes.length), isOf);
  });
}

/** The probabilities that are believed: each class's by its curve, and then shares of 1; alike where all are 0. */
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
 * Confidence-based performance estimation of several classes: each metric as if every row were of each class as often as is
 * believed. Right under the conditions of `confidenceBasedEstimate`. NaN: a class's ROC AUC where no row is believed to be of it.
 *
 * Source: NannyML 0.13, `CBPE`, of accuracy, macro F1 and ROC AUC; rows that a class has the same probability of are one step
 * of its curve, whatever their order. Weighted F1 and log loss are what scikit-learn's are of such rows by weight.
 *
 * @param believed as many as there are probabilities, in the same order.
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
 * How much each metric wanders from sample to sample, from rows whose truth is known; NaN where that cannot be told, as of ROC
 * AUC where no row is of one of the classes.
 *
 * Source: NannyML 0.13, `sampling_error`, of accuracy, macro F1 and ROC AUC. That of log loss is of a mean, and that of weighted
 * F1 by the delta method, from how much one row more moves it.
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
      Uint8Array.from(truth, (actual) => (actual === place ? 1 : 0)),
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

/** By NannyML's experiments the areas of single classes, taken as independent, understate that of their mean by as much. */
const areasMoveTogether = 1.2;

function ofMean(ofClasses: readonly SamplingError[], times = 1): SamplingError {
  const variance = ofClasses.reduce((sum, { deviation, fraction }) => sum + deviation ** 2 / fraction, 0);
  return { deviation: (times * Math.sqrt(variance)) / ofClasses.length, fraction: 1 };
}

/** How far each row pulls weighted F1 its way, but for a constant: the derivative of it by the row's weight. */
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
