import { classKey, sortedClasses } from '../../contracts/models/classes.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { largestMeasured } from '../../contracts/monitoring/label-value.ts';
import type { ClassValue, Signature } from '../../contracts/models/signature.ts';
import type { Answers } from '../../ports/model-format.ts';
import type { BinarySample, MulticlassSample, Sample } from '../../statistics/metrics/sample.ts';

/**
 * Returns the probability that a row's answer gives to a class, by class key; 0 for a class that the model does not
 * know.
 */
export type ProbabilityOf = (row: number, key: string) => number;

/** One entry per row, in the same order. */
export interface AnsweredSample {
  readonly truth: readonly ClassValue[];
  readonly values: ArrayLike<ClassValue>;
  /** Null if the model gives no probabilities. */
  readonly probabilityOf: ProbabilityOf | null;
}

type Answering = Pick<Configuration, 'task' | 'build'>;

/**
 * Combines truth and answers into the sample that the metrics of the task read. For binary models the positive class is
 * `build.positive` or, by default, the greater one.
 *
 * @param classes classes of the measured model; classes that only the truth or the answers contain are added.
 * @throws PerennialError `invalid-configuration` if `build.positive` is none of the classes, or if a regression's
 * target is not a number; `prediction-invalid` if a regression's answer is too large for a metric.
 */
export function sampleOf({ task, build }: Answering, rows: AnsweredSample, classes: readonly ClassValue[]): Sample {
  if (task === 'regression') {
    const truth = rows.truth.map(numberOf);
    const prediction = Float64Array.from({ length: truth.length }, (_, row) => answerOf(rows.values[row], row));
    return { task, truth, prediction, ...(build.quantile === undefined ? {} : { quantile: build.quantile }) };
  }
  return task === 'binary' ? binarySample(build, rows, classes) : multiclassSample(rows, classes);
}

/** The engine returns whole numbers beyond 2^53 as text. */
function numberOf(target: ClassValue): number {
  const number = target === '' ? Number.NaN : Number(target);
  if (Number.isFinite(number)) return number;
  throw new PerennialError(
    'invalid-configuration',
    `task regression needs a numeric target, but a row has the target ${JSON.stringify(target)}; choose a numeric target, or another task`,
    { target: String(target) },
  );
}

function answerOf(value: ClassValue | undefined, row: number): number {
  const number = Number(value);
  if (Math.abs(number) <= largestMeasured || Number.isNaN(number)) return number;
  throw new PerennialError(
    'prediction-invalid',
    `the model answers row ${row} with ${number}, beyond ±${largestMeasured}, so no metric can be computed with it; check how the model handles extreme values`,
    { row },
  );
}

/** Returns a function that looks up the model's probabilities by row and class. */
export function probabilityIn(
  signature: Signature,
  { probabilities }: Pick<Answers, 'probabilities'>,
): ProbabilityOf | null {
  const { classes = [], probabilities: output } = signature;
  if (probabilities === null || output === undefined) return null;
  const { width } = output;
  const places = new Map(classes.map((value, place) => [classKey(value), place]));
  return (row, key) => {
    const place = places.get(key);
    if (place === undefined) return 0;
    return shareAt(place, width, (at) => probabilities[row * width + at] ?? 0);
  };
}

/** If the model outputs only the probability of the second of two classes, the first class gets the complement. */
export function shareAt(place: number, width: number, at: (place: number) => number): number {
  if (width > 1) return at(place);
  return place === 1 ? at(0) : 1 - at(0);
}

const defaultThreshold = 0.5;

function binarySample(
  { positive, threshold = defaultThreshold }: Configuration['build'],
  { truth, values, probabilityOf }: AnsweredSample,
  classes: readonly ClassValue[],
): BinarySample {
  const wanted = positiveClass(positive, classes);
  const key = classKey(wanted);
  const probability = probabilityOf === null ? null : Float64Array.from(truth, (_, row) => probabilityOf(row, key));
  const said = (row: number): boolean =>
    probability === null ? classKey(values[row] ?? '') === key : (probability[row] ?? 0) >= threshold;
  return {
    task: 'binary',
    positive: String(wanted),
    threshold: probability === null ? null : threshold,
    truth: Uint8Array.from(truth, (value) => (classKey(value) === key ? 1 : 0)),
    probability,
    decision: Uint8Array.from(truth, (_, row) => (said(row) ? 1 : 0)),
  };
}

function positiveClass(given: ClassValue | undefined, classes: readonly ClassValue[]): ClassValue {
  // Does not rely on the order of the probabilities, because that order is what is being checked.
  const [lesser, greater] = sortedClasses(classes);
  if (given === undefined) return greater ?? lesser ?? 1;
  const known = classes.find((value) => classKey(value) === classKey(given));
  if (known !== undefined) return known;
  throw new PerennialError(
    'invalid-configuration',
    `build.positive is ${JSON.stringify(given)}, but the classes of the target are ${classes.map(String).join(' and ')}; set build.positive to one of them`,
    { positive: String(given) },
  );
}

function multiclassSample(
  { truth, values, probabilityOf }: AnsweredSample,
  known: readonly ClassValue[],
): MulticlassSample {
  const names = new Map(known.map((value) => [classKey(value), String(value)]));
  const truths = truth.map(classKey);
  const answers = Array.from({ length: truth.length }, (_, row) => classKey(values[row] ?? ''));
  for (const key of [...truths, ...answers]) if (!names.has(key)) names.set(key, key);
  const keys = [...names.keys()];
  const places = new Map(keys.map((key, place) => [key, place]));
  const placesOf = (those: readonly string[]): Int32Array => Int32Array.from(those, (key) => places.get(key) ?? -1);
  const width = keys.length;
  return {
    task: 'multiclass',
    classes: [...names.values()],
    truth: placesOf(truths),
    decision: placesOf(answers),
    probabilities:
      probabilityOf === null
        ? null
        : Float64Array.from({ length: truth.length * width }, (_, at) =>
            probabilityOf(Math.floor(at / width), keys[at % width] ?? ''),
          ),
  };
}
