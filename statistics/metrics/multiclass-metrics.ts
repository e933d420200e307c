import { eachMeasure } from './each-measure.ts';
import { multiclassMeasures } from './multiclass/index.ts';
import type { MulticlassMeasure } from './multiclass/multiclass-measure.ts';
import { everyRow } from './ranking-metrics.ts';
import type { MulticlassSample, WeightedMetric } from './sample.ts';

export type MulticlassMetric = keyof typeof multiclassMeasures;

/** Maximum number of classes of a confusion matrix in the result. A larger one is unreadable. */
const mostShownClasses = 50;

/**
 * Returns the metrics of a multiclass classifier, equal to scikit-learn's. F1 is averaged over the classes that occur
 * in the truth or in the decisions, and is 0 for a class that is never predicted correctly. ROC AUC is that of each
 * class against the rest, averaged over all classes; it is null if a class has no row or all rows. ROC AUC and log loss
 * are null if the model gives no probabilities. `undefined` gives the reasons.
 *
 * @throws RangeError if there are no rows.
 */
export function multiclassMetrics(sample: MulticlassSample) {
  const rows = sample.truth.length;
  if (rows === 0) throw new RangeError('there are no rows to measure');
  const every = everyRow(rows);
  const reasons: Record<string, string> = {};
  const tell = (metric: MulticlassMetric): number | null => {
    const value = multiclassMetric(sample, metric)(every);
    if (!Number.isNaN(value)) return value;
    reasons[metric] = reasonOf(sample);
    return null;
  };
  return {
    task: 'multiclass' as const,
    rows,
    classes: [...sample.classes],
    ...eachMeasure(multiclassMeasures, tell),
    confusion: sample.classes.length > mostShownClasses ? null : confusion(sample),
    undefined: reasons,
  };
}

function reasonOf({ classes, truth, probabilities }: MulticlassSample): string {
  if (probabilities === null) return 'the model gives no probabilities';
  const seen = new Set(truth);
  const absent = classes.find((_, place) => !seen.has(place));
  return absent === undefined ? 'all rows are of one class' : `no row is of the class ${absent}`;
}

/**
 * Prepares a metric so that it can be computed repeatedly with different row weights. The result is NaN where the
 * metric is undefined.
 */
export function multiclassMetric(sample: MulticlassSample, metric: MulticlassMetric): WeightedMetric {
  const measure: MulticlassMeasure = multiclassMeasures[metric];
  return measure(sample);
}

function confusion({ classes, truth, decision }: MulticlassSample): number[][] {
  const table = classes.map(() => classes.map(() => 0));
  truth.forEach((actual, row) => {
    const line = table[actual];
    const answer = decision[row] ?? 0;
    if (line) line[answer] = (line[answer] ?? 0) + 1;
  });
  return table;
}
