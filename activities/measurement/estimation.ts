import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { ColumnReference, Estimation } from '../../contracts/models/model-version.ts';
import type { PerformanceEstimate } from '../../contracts/monitoring/report.ts';
import { estimatedMetrics } from '../../contracts/monitoring/report.ts';
import type { SamplingError } from '../../statistics/estimation/confidence-based-estimate.ts';
import {
  confidenceBasedEstimate,
  confidenceSamplingErrors,
  samplingErrorOf,
} from '../../statistics/estimation/confidence-based-estimate.ts';
import type { DirectLossSums } from '../../statistics/estimation/direct-loss-estimate.ts';
import { directLossEstimate, fitDirectLoss } from '../../statistics/estimation/direct-loss-estimate.ts';
import type { RisingCurve } from '../../statistics/estimation/isotonic-regression.ts';
import { heightAt, isotonicRegression } from '../../statistics/estimation/isotonic-regression.ts';
import {
  believedProbabilities,
  classCalibrations,
  multiclassConfidenceEstimate,
  multiclassSamplingErrors,
} from '../../statistics/estimation/multiclass-confidence-estimate.ts';
import type { BinarySample, MulticlassSample, RegressionSample, Sample } from '../../statistics/metrics/sample.ts';

/** With fewer rows, too little is known about the distribution of the losses. */
const fewestRows = 100;
/** More rows would only take longer, so rows are thinned out evenly to this number. */
const mostRows = 20_000;

/** Returns the stride that thins out the held-out rows evenly: 3 means that the inputs of every third row are used. */
export function estimationStride(rows: number): number {
  return Math.ceil(rows / mostRows);
}

/**
 * Derives from the holdout what is needed to estimate performance later without labels: for classifiers a calibration
 * of the probabilities, for regressions a model of where the losses are large. Returns undefined for a classifier
 * without probabilities, or if there are too few rows.
 *
 * @param inputs for each reference, the values of every row that `estimationStride` leaves (see `featureNumbers`). Only
 *   regressions need them.
 */
export function estimationOf(
  sample: Sample,
  inputs: readonly ArrayLike<number>[],
  references: readonly ColumnReference[],
): Estimation | undefined {
  if (sample.truth.length < fewestRows) return undefined;
  if (sample.task === 'regression') return directLossOf(sample, inputs, references);
  return sample.task === 'binary' ? confidenceOf(sample) : confidenceOfClasses(sample);
}

function directLossOf(
  sample: RegressionSample,
  inputs: readonly ArrayLike<number>[],
  references: readonly ColumnReference[],
): Estimation {
  const stride = estimationStride(sample.truth.length);
  const thinned = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from({ length: Math.ceil(values.length / stride) }, (_, at) => values[at * stride] ?? Number.NaN);
  const prediction = thinned(sample.prediction);
  return {
    kind: 'dle',
    features: references.map(({ name }) => name),
    ...fitDirectLoss([...inputs, prediction], prediction, thinned(sample.truth)),
  };
}

function confidenceOf({ truth, probability, decision }: BinarySample): Estimation | undefined {
  if (probability === null) return undefined;
  return {
    kind: 'cbpe',
    rows: truth.length,
    calibration: kept(isotonicRegression(probability, truth)),
    samplingErrors: tellable(confidenceSamplingErrors(truth, { decision, probability })),
  };
}

function confidenceOfClasses({ probabilities, ...sample }: MulticlassSample): Estimation | undefined {
  if (probabilities === null) return undefined;
  const known = { ...sample, probabilities };
  return {
    kind: 'cbpe-multiclass',
    rows: sample.truth.length,
    classes: [...sample.classes],
    calibrations: classCalibrations(known).map(kept),
    samplingErrors: tellable(multiclassSamplingErrors(known)),
  };
}

function kept({ x, y }: RisingCurve) {
  return { x: [...x], y: [...y] };
}

/** Removes the metrics about which the holdout's rows say nothing. */
function tellable(errors: Readonly<Record<string, SamplingError>>): Record<string, SamplingError> {
  return Object.fromEntries(
    Object.entries(errors).filter(([, { deviation, fraction }]) => Number.isFinite(deviation) && fraction > 0),
  );
}

/**
 * Estimates the metrics of a classifier's answers as if they had labels.
 *
 * @param sample the rows' answers; its truth is ignored.
 */
export function estimateFrom(
  estimation: Exclude<Estimation, { kind: 'dle' }>,
  sample: Sample,
): PerformanceEstimate | null {
  if (sample.truth.length === 0) return null;
  if (estimation.kind === 'cbpe-multiclass')
    return sample.task === 'multiclass' ? estimateOfClasses(estimation, sample) : null;
  if (sample.task !== 'binary' || sample.probability === null) return null;
  return confidenceEstimate(estimation, sample.decision, sample.probability);
}

/** Estimates the metrics of a regression, from the losses added up over its answers; null if there are none. */
export function lossEstimate(
  estimation: Extract<Estimation, { kind: 'dle' }>,
  sums: DirectLossSums,
): PerformanceEstimate | null {
  if (sums.rows === 0) return null;
  const metrics = Object.entries(directLossEstimate(estimation, sums)).map(([name, of]) => ({ name, ...of }));
  return { method: 'dle', rows: sums.rows, referenceRows: estimation.rows, metrics };
}

type Confidence<Kind extends Estimation['kind']> = Extract<Estimation, { kind: Kind }>;

function confidenceEstimate(
  estimation: Confidence<'cbpe'>,
  decision: Uint8Array,
  probability: Float64Array,
): PerformanceEstimate {
  const believed = probability.map((raw) => heightAt(estimation.calibration, raw));
  const estimated = confidenceBasedEstimate({ decision, probability, believed });
  return told(estimation, estimatedMetrics.binary, estimated, decision.length);
}

function estimateOfClasses(
  estimation: Confidence<'cbpe-multiclass'>,
  sample: MulticlassSample,
): PerformanceEstimate | null {
  const answers = inOrderOf(estimation.classes, sample);
  if (answers === null) return null;
  const believed = believedProbabilities(answers.probabilities, estimation.calibrations);
  const estimated = multiclassConfidenceEstimate(answers, believed);
  return told(estimation, estimatedMetrics.multiclass, estimated, answers.decision.length);
}

/**
 * Reorders the answers by the classes of the holdout. Returns null without probabilities, or if the answers have a
 * class that is not in the holdout.
 */
function inOrderOf(classes: readonly string[], { classes: known, decision, probabilities }: MulticlassSample) {
  if (probabilities === null || known.some((name) => !classes.includes(name))) return null;
  const places = classes.map((name) => known.indexOf(name));
  return {
    classes,
    decision: decision.map((place) => classes.indexOf(known[place] ?? '')),
    // A class that only the holdout has gets the probability 0.
    probabilities: Float64Array.from({ length: decision.length * classes.length }, (_, at) => {
      const place = places[at % classes.length] ?? -1;
      return place < 0 ? 0 : (probabilities[Math.floor(at / classes.length) * known.length + place] ?? 0);
    }),
  };
}

function told<Metric extends string>(
  { samplingErrors, rows: referenceRows }: Pick<Confidence<'cbpe'>, 'samplingErrors' | 'rows'>,
  names: readonly Metric[],
  estimated: Readonly<Record<Metric, number>>,
  rows: number,
): PerformanceEstimate {
  const metrics = names.flatMap((name) => {
    const error = samplingErrors[name];
    if (error === undefined || !Number.isFinite(estimated[name])) return [];
    return [{ name, value: estimated[name], samplingError: samplingErrorOf(error, rows) }];
  });
  return { method: 'cbpe', rows, referenceRows, metrics };
}

export function wantsEstimate({ monitor }: Pick<Configuration, 'monitor'>): boolean {
  return monitor.estimate ?? true;
}
