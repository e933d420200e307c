import { eachMeasure } from './each-measure.ts';
import { multiclassMeasures } from './multiclass/index.ts';
import type { MulticlassMeasure } from './multiclass/multiclass-measure.ts';
import { everyRow } from './ranking-metrics.ts';
import type { MulticlassSample, WeightedMetric } from './sample.ts';

export type MulticlassMetric = keyof typeof multiclassMeasures;

/** A larger table is no longer read. */
const mostShownClasses = 50;

/**
 * Metrics of a classifier of several classes, equal to scikit-learn's: F1 is taken over the classes that truth or decisions have
 * (0 for one that is never right), and ROC AUC is that of each class against the rest, the mean over all classes. It is null where
 * a class has no row or all rows, and both losses of probabilities are where the model gives none; `undefined` says why.
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

/** The metric over any weights of the rows, prepared once; NaN where it is undefined. */
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
