import { batchOfCells } from '../../contracts/models/batch-of-cells.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import { isMeasurable } from '../../contracts/monitoring/label-value.ts';
import { refusalOfMissing } from '../../contracts/data/missing-values.ts';
import type { LoadedModel } from '../../ports/model-format.ts';
import { measure } from '../../statistics/metrics/measure.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { loadVersion } from '../measurement/load-version.ts';
import { sampleBuilder } from '../measurement/sample-builder.ts';
import { probabilityIn } from '../measurement/sample-of.ts';
import { withWorkspace } from '../steps/workspace.ts';
import type { DatasetRow, DatasetRows } from '../measurement/dataset-rows.ts';
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
  const model = await loadVersion(deps, first.modelVersionId);
  try {
    const value = await withWorkspace(deps.scratchFolder, 'never', async (folder) => {
      const { datasetVersionId } = rehearsal.plan;
      return metricOn(
        model,
        configuration,
        await rowsBetween(deps, { datasetVersionId, configuration, ...period, folder }),
      );
    });
    return Number.isNaN(value) ? null : value;
  } finally {
    await model.release();
  }
}

interface LabelledRow extends DatasetRow {
  readonly target: ClassValue;
}

/** Returns the rows that the gateway would answer with this model and that have a target. */
function takenRows(
  { signature: { inputs } }: LoadedModel,
  { serve }: Configuration,
  rows: readonly DatasetRow[],
): readonly LabelledRow[] {
  const needed = inputs.filter((input) => refusalOfMissing(input, serve.missing ?? 'as-trained') !== undefined);
  return rows.flatMap((row) => {
    const { target, features } = row;
    const isTaken = target !== null && needed.every(({ name }) => (features[name] ?? null) !== null);
    return isTaken ? [{ ...row, target }] : [];
  });
}

/** Returns NaN if no row has an answer. */
async function metricOn(model: LoadedModel, configuration: Configuration, rows: DatasetRows): Promise<number> {
  const { signature } = model;
  const sampled = { classes: signature.classes ?? [], others: [], withShares: signature.probabilities !== undefined };
  const builder = sampleBuilder(configuration, sampled, rows.rows);
  let measured = 0;
  for await (const piece of rows.pieces()) {
    const taken = takenRows(model, configuration, piece);
    if (taken.length === 0) continue;
    const answers = await model.predictEach(
      batchOfCells(signature.inputs, cellsOf(configuration, taken), taken.length),
    );
    const failed = new Set(answers.failures.map(({ row }) => row));
    const probabilityOf = probabilityIn(signature, answers);
    for (const [row, { target }] of taken.entries()) {
      const value = answers.values[row];
      if (failed.has(row) || value === undefined) continue;
      if (configuration.task === 'regression' && !(isMeasurable(value) && isMeasurable(target))) continue;
      builder.add(target, value, probabilityOf && ((key) => probabilityOf(row, key)));
      measured += 1;
    }
  }
  return measured === 0 ? Number.NaN : measure(builder.sample(), configuration.build.metric);
}

function cellsOf({ data }: Configuration, rows: readonly DatasetRow[]): Record<string, Cell[]> {
  return Object.fromEntries(data.features.map((name) => [name, rows.map(({ features }) => features[name] ?? null)]));
}
