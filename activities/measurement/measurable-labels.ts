import type { Cell } from '../../contracts/data/data-types.ts';
import type { Task } from '../../contracts/models/metrics.ts';
import { isMeasurable, readLabelValue, shown } from '../../contracts/monitoring/label-value.ts';
import type { LabelTarget } from '../../contracts/monitoring/label-value.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import type { LeftOutRows } from '../../contracts/monitoring/report.ts';

export interface GivenLabels {
  readonly ids: readonly string[];
  /** Null for a row without a label. */
  readonly labels: readonly (ClassValue | null)[];
  predictionOf(row: number): Cell;
}

const examplesShown = 5;

/** Counts labelled rows that are left out of the metrics, by reason. */
export class LeftOut {
  readonly #rows = new Map<LeftOutRows['reason'], LeftOutRows>();

  add(reason: LeftOutRows['reason'], id: string, value: ClassValue): void {
    const { rows, examples } = this.#rows.get(reason) ?? { rows: 0, examples: [] };
    this.#rows.set(reason, {
      reason,
      rows: rows + 1,
      examples: examples.length < examplesShown ? [...examples, { id, value: shown(value) }] : examples,
    });
  }

  list(): LeftOutRows[] {
    return [...this.#rows.values()];
  }
}

/**
 * Returns the labels as the target writes them; null for a row without a usable label. Labelled rows are left out of the
 * metrics, and counted, if the label is not a value of the target or the prediction is too large for any metric. Older
 * releases of Perennial stored such labels, and a single one made every later report fail.
 */
export function measurableLabels(
  { ids, labels, predictionOf }: GivenLabels,
  task: Task,
  target: LabelTarget,
  leftOut: LeftOut,
): (ClassValue | null)[] {
  return labels.map((label, row) => {
    if (label === null) return null;
    const id = ids[row] ?? '';
    const read = readLabelValue(target, label);
    if ('refused' in read) {
      leftOut.add(task === 'regression' ? 'label-unmeasurable' : 'label-no-class', id, label);
      return null;
    }
    const prediction = predictionOf(row);
    if (task === 'regression' && prediction !== null && !isMeasurable(prediction))
      leftOut.add('prediction-unmeasurable', id, prediction);
    return read.value;
  });
}
