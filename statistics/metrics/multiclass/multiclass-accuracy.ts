import { byRow } from '../by-row.ts';
import { weightedMean } from '../weighted-mean.ts';
import type { MulticlassMeasure } from './multiclass-measure.ts';

export const multiclassAccuracy: MulticlassMeasure = ({ truth, decision }) =>
  weightedMean(byRow(truth.length, (row) => (truth[row] === decision[row] ? 1 : 0)));
