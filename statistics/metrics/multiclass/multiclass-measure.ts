import type { MulticlassSample, WeightedMetric } from '../sample.ts';

/** A metric of a multiclass classifier; NaN where it is undefined. Each other file of this folder exports one. */
export type MulticlassMeasure = (sample: MulticlassSample) => WeightedMetric;

/**
 * Returns the probability that the model gives to a class for a row; NaN if the model gives no probabilities.
 *
 * @param place the index of the class.
 */
export function probabilityOf({ classes, probabilities }: MulticlassSample, row: number, place: number): number {
  return probabilities === null ? Number.NaN : (probabilities[row * classes.length + place] ?? 0);
}
