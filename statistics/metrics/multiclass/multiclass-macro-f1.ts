import { countsOf, meanF1 } from '../class-counts.ts';
import type { MulticlassMeasure } from './multiclass-measure.ts';

/** Macro F1: the mean F1 over the classes that occur in the truth or in the decisions. */
export const multiclassMacroF1: MulticlassMeasure = (sample) => (weights) => meanF1(countsOf(sample, weights), () => 1);
