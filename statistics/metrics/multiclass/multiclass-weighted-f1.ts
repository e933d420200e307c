import { countsOf, meanF1 } from '../class-counts.ts';
import type { MulticlassMeasure } from './multiclass-measure.ts';

/** The mean F1, each class weighted by its rows. */
export const multiclassWeightedF1: MulticlassMeasure = (sample) => (weights) =>
  meanF1(countsOf(sample, weights), (support) => support);
