import type { ImportanceShares } from '../../activities/monitoring/arrange-drift.ts';
import { arrangeDrift } from '../../activities/monitoring/arrange-drift.ts';
import type { ColumnRules, DriftPolicy } from '../../activities/monitoring/drift-of.ts';
import { driftOf } from '../../activities/monitoring/drift-of.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { MonitoringReference } from '../../contracts/models/model-version.ts';
import type { DriftResult } from '../../contracts/monitoring/report.ts';

interface Served {
  readonly features: Readonly<Record<string, readonly Cell[]>>;
  readonly predictions: readonly Cell[];
  readonly labels: readonly Cell[];
}

/** Compares the cells of a window with a reference, as a report does with the counts of a window. */
export function driftInWindow(
  served: Served,
  reference: MonitoringReference,
  policy: DriftPolicy,
  importance: ImportanceShares,
  rulesOf: (column: string) => ColumnRules = () => ({}),
): DriftResult[] {
  const columns = {
    features: reference.features.map((feature) =>
      driftOf(feature, cellsOf(served, feature.name), 'feature', policy, rulesOf(feature.name)),
    ),
    prediction: driftOf(reference.prediction, served.predictions, 'prediction', policy),
    target: driftOf(reference.target, served.labels, 'target', policy),
  };
  return arrangeDrift(columns, policy, importance);
}

function cellsOf({ features }: Served, name: string): readonly Cell[] {
  return Object.hasOwn(features, name) ? (features[name] ?? []) : [];
}
