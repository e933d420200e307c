import type { Task } from '../../contracts/models/metrics.ts';
import { isMeasurable, readLabelValue, shown } from '../../contracts/monitoring/label-value.ts';
import type { LabelTarget } from '../../contracts/monitoring/label-value.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import type { LeftOutRows } from '../../contracts/monitoring/report.ts';
import type { ServedRows } from '../../ports/table-engine.ts';

type Labelled = Pick<ServedRows, 'ids' | 'labels' | 'predictions'>;

export interface MeasurableLabels {
  /** Labels as the target writes them; null for a row without a usable label. */
  readonly labels: readonly (ClassValue | null)[];
  readonly leftOut: readonly LeftOutRows[];
}

const examplesShown = 5;

/**
 * Leaves labelled rows out of the metrics, and counts them, if the label is not a value of the target or the prediction
 * is too large for any metric. Older releases of Perennial stored such labels, and a single one made every later report
 * fail.
 */
export function measurableLabels(served: Labelled, task: Task, target: LabelTarget): MeasurableLabels {
  const leftOut = new Map<LeftOutRows['reason'], LeftOutRows>();
  const leave = (row: number, reason: LeftOutRows['reason'], value: ClassValue): void => {
    const { rows, examples } = leftOut.get(reason) ?? { rows: 0, examples: [] };
    const example = { id: served.ids[row] ?? '', value: shown(value) };
    leftOut.set(reason, {
      reason,
      rows: rows + 1,
      examples: examples.length < examplesShown ? [...examples, example] : examples,
    });
  };
  const labels = served.labels.map((label, row) => {
    if (label === null) return null;
    const read = readLabelValue(target, label);
    if ('refused' in read) {
      leave(row, task === 'regression' ? 'label-unmeasurable' : 'label-no-class', label);
      return null;
    }
    const prediction = served.predictions[row] ?? null;
    if (task === 'regression' && prediction !== null && !isMeasurable(prediction))
      leave(row, 'prediction-unmeasurable', prediction);
    return read.value;
  });
  return { labels, leftOut: [...leftOut.values()] };
}
