import { classKey } from '../../contracts/models/classes.ts';
import type { ClassValue, Signature } from '../../contracts/models/signature.ts';
import type { Answers } from '../../ports/model-format.ts';
import type { Sample } from '../../statistics/metrics/sample.ts';
import type { Answering } from './sample-builder.ts';
import { sampleBuilder } from './sample-builder.ts';

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

/**
 * Combines truth and answers into the sample that the metrics of the task read. For binary models the positive class is
 * `build.positive` or, by default, the greater one.
 *
 * @param classes classes of the measured model; classes that only the truth or the answers contain are added.
 * @throws PerennialError `invalid-configuration` if `build.positive` is none of the classes, or if a regression's
 * target is not a number; `prediction-invalid` if a regression's answer is too large for a metric.
 */
export function sampleOf(answering: Answering, rows: AnsweredSample, classes: readonly ClassValue[]): Sample {
  const { truth, values, probabilityOf } = rows;
  const others = answering.task === 'multiclass' ? [...new Set([...truth, ...Array.from(values)])] : [];
  const builder = sampleBuilder(answering, { classes, others, withShares: probabilityOf !== null }, truth.length);
  for (const [row, target] of truth.entries())
    builder.add(target, values[row] ?? Number.NaN, probabilityOf && ((key) => probabilityOf(row, key)));
  return builder.sample();
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
