import type { Scope } from '../../contracts/identifiers.ts';
import type { ServedRows } from '../../ports/table-engine.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

const idsAtOnce = 20_000;

export interface LabelledRows extends ServedRows {
  /** Time from the row's event to its label, in milliseconds; null for a row without a label. */
  readonly labelDelaysMs: readonly (number | null)[];
}

/** Adds the labels of these rows, looked up by their ids, so that labels outside the window cost nothing. */
export async function withLabels(
  deps: Pick<ActivityDependencies, 'repositories'>,
  scope: Scope,
  served: ServedRows,
): Promise<LabelledRows> {
  const labels: ServedRows['labels'][number][] = [];
  const labelDelaysMs: (number | null)[] = [];
  for (let from = 0; from < served.rows; from += idsAtOnce) {
    const ids = served.ids.slice(from, from + idsAtOnce);
    const known = new Map((await deps.repositories.monitoring.labels(scope, ids)).map((label) => [label.id, label]));
    for (const [place, id] of ids.entries()) {
      const label = known.get(id);
      labels.push(label?.value ?? null);
      const happened = served.eventTimesMs[from + place] ?? Number.NaN;
      labelDelaysMs.push(label === undefined ? null : Math.max(0, Date.parse(label.at) - happened));
    }
  }
  return { ...served, labels, labelDelaysMs };
}
