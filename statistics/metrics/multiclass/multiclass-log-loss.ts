import { clippedLog } from '../sample.ts';
import { weightedMean } from '../weighted-mean.ts';
import type { MulticlassMeasure } from './multiclass-measure.ts';
import { probabilityOf } from './multiclass-measure.ts';

export const multiclassLogLoss: MulticlassMeasure = (sample) =>
  weightedMean(Float64Array.from(sample.truth, (place, row) => -clippedLog(probabilityOf(sample, row, place))));
