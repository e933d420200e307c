import { weightedMean } from '../weighted-mean.ts';
import type { MulticlassMeasure } from './multiclass-measure.ts';

export const multiclassAccuracy: MulticlassMeasure = ({ truth, decision }) =>
  weightedMean(Float64Array.from(truth, (place, row) => (place === decision[row] ? 1 : 0)));
