import type { MulticlassSample, WeightedMetric } from '../sample.ts';

/** A metric of a classifier of several classes, NaN where it is undefined. Each other file of this folder exports one. */
export type MulticlassMeasure = (sample: MulticlassSample) => WeightedMetric;

/** The probability that the model gives a row for the class at a place; NaN if it gives none. */
export function probabilityOf({ classes, probabilities }: MulticlassSample, row: number, place: number): number {
  return probabilities === null ? Number.NaN : (probabilities[row * classes.length + place] ?? 0);
}
