import { batchOfCells } from '../../contracts/models/batch-of-cells.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import { isMeasurable } from '../../contracts/monitoring/label-value.ts';
import { refusalOfMissing } from '../../contracts/data/missing-values.ts';
import type { LoadedModel } from '../../ports/model-format.ts';
import { measure } from '../../statistics/metrics/measure.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { loadVersion } from '../measurement/load-version.ts';
import { probabilityIn, sampleOf } from '../measurement/sample-of.ts';
import { withWorkspace } from '../steps/workspace.ts';
import type { DatasetRow } from '../measurement/dataset-rows.ts';
import { rowsBetween } from '../measurement/dataset-rows.ts';
import type { Period } from './periods.ts';
import type { RehearsalContext } from './rehearsal-context.ts';

/**
 * Returns the metric that the rehearsal's first model would have on the rows of the period. Leaves out rows that the
 * gateway would refuse to this model, rows without an answer and rows without a target, as the metric of what was
 * served does.
 */
export async function neverReplaced(
  deps: ActivityDependencies,
  scope: Scope,
  { rehearsal, configuration }: RehearsalContext,
  period: Period,
): Promise<number | null> {
  const { decided } = await deps.repositories.deployments.servedAt(scope, rehearsal.plan.from);
  const first = decided?.slots.find((slot) => slot.role === 'champion');
  if (first === undefined) return null;
  const rows = await withWorkspace(deps.scratchFolder, 'never', (folder) =>
    rowsBetween(deps, {
      datasetVersionId: rehearsal.plan.datasetVersionId,
      configuration,
      from: period.from,
      to: period.to,
      folder,
    }),
  );
  const model = await loadVersion(deps, first.modelVersionId);
  try {
    const known = rows.flatMap((row) => (row.target === null ? [] : [{ ...row, target: row.target }]));
    const value = await metricOn(model, configuration, takenRows(model, configuration, known));
    return Number.isNaN(value) ? null : value;
  } finally {
    await model.release();
  }
}

interface LabelledRow extends DatasetRow {
  readonly target: ClassValue;
}

function takenRows(
  { signature: { inputs } }: LoadedModel,
  { serve }: Configuration,
  rows: readonly LabelledRow[],
): readonly LabelledRow[] {
  const needed = inputs.filter((input) => refusalOfMissing(input, serve.missing ?? 'as-trained') !== undefined);
  return rows.filter(({ features }) => needed.every(({ name }) => (features[name] ?? null) !== null));
}

/** Returns NaN if no row has an answer. */
async function metricOn(
  model: LoadedModel,
  configuration: Configuration,
  rows: readonly LabelledRow[],
): Promise<number> {
  if (rows.length === 0) return Number.NaN;
  const { signature } = model;
  const features = Object.fromEntries(
    configuration.data.features.map((feature) => [feature, rows.map((row) => row.features[feature] ?? null)]),
  );
  const answers = await model.predictEach(batchOfCells(signature.inputs, features, rows.length));
  const failed = new Set(answers.failures.map(({ row }) => row));
  const isMeasured = (row: number) =>
    configuration.task !== 'regression' || (isMeasurable(answers.values[row]) && isMeasurable(rows[row]?.target));
  const answered = Array.from(rows.keys()).filter((row) => !failed.has(row) && isMeasured(row));
  if (answered.length === 0) return Number.NaN;
  const probabilityOf = probabilityIn(signature, answers);
  const sample = sampleOf(
    configuration,
    {
      truth: answered.flatMap((row) => rows[row]?.target ?? []),
      values: answered.map((row) => answers.values[row] ?? Number.NaN),
      probabilityOf: probabilityOf && ((at: number, key: string) => probabilityOf(answered[at] ?? 0, key)),
    },
    signature.classes ?? [],
  );
  return measure(sample, configuration.build.metric);
}
