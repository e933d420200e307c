import { countsOf, meanF1 } from '../class-counts.ts';
import type { MulticlassMeasure } from './multiclass-measure.ts';

/** Weighted F1: the mean F1, with each class weighted by its number of rows. */
export const multiclassWeightedF1: MulticlassMeasure = (sample) => (weights) =>
  meanF1(countsOf(sample, weights), (support) => support);
