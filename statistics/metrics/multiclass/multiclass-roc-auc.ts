import { byRow } from '../by-row.ts';
import { areaUnderCurve } from '../ranking-metrics.ts';
import type { MulticlassMeasure } from './multiclass-measure.ts';
import { probabilityOf } from './multiclass-measure.ts';

/** ROC AUC: that of each class against the rest, averaged over all classes. */
export const multiclassRocAuc: MulticlassMeasure = (sample) => {
  const { classes, truth, probabilities } = sample;
  if (probabilities === null) return () => Number.NaN;
  const areas = classes.map((_, place) =>
    areaUnderCurve(
      byRow(truth.length, (row) => probabilityOf(sample, row, place)),
      (row) => truth[row] === place,
    ),
  );
  return (weights) => areas.reduce((sum, area) => sum + area(weights), 0) / areas.length;
};
