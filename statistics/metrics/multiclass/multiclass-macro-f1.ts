import { countsOf, meanF1 } from '../class-counts.ts';
import type { MulticlassMeasure } from './multiclass-measure.ts';

/** The mean F1 over the classes that truth or decisions have. */
export const multiclassMacroF1: MulticlassMeasure = (sample) => (weights) => meanF1(countsOf(sample, weights), () => 1);
