import { byRow } from '../by-row.ts';
import { clippedLog } from '../sample.ts';
import { weightedMean } from '../weighted-mean.ts';
import type { MulticlassMeasure } from './multiclass-measure.ts';
import { probabilityOf } from './multiclass-measure.ts';

export const multiclassLogLoss: MulticlassMeasure = (sample) =>
  weightedMean(byRow(sample.truth.length, (row) => -clippedLog(probabilityOf(sample, row, sample.truth[row] ?? -1))));
