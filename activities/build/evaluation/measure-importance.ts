import type { ColumnBatch } from '../../../contracts/data/column-batch.ts';
import { type CellColumns, batchOfCells } from '../../../contracts/models/batch-of-cells.ts';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Sha256 } from '../../../contracts/identifiers.ts';
import type { SignatureInput } from '../../../contracts/models/signature.ts';
import type { ModelVersion } from '../../../contracts/models/model-version.ts';
import type { LoadedModel } from '../../../ports/model-format.ts';
import type { StoredColumns } from '../../../ports/stored-columns.ts';
import type { Sample } from '../../../statistics/metrics/sample.ts';
import type { StoringDependencies } from '../../activity-dependencies.ts';
import { storeJson } from '../../steps/workspace.ts';
import { rowsAt } from '../../measurement/holdout-rows.ts';
import { importanceBounds, permutationImportance, sampledRows } from './permutation-importance.ts';
import { probabilityIn, sampleOf } from '../../measurement/sample-of.ts';
import { targetsOf } from '../../measurement/targets-of.ts';

interface Measured {
  readonly version: ModelVersion;
  readonly configuration: Configuration;
  readonly holdout: StoredColumns;
  readonly target: string;
}

/**
 * Measures the version's permutation importance on the holdout by `build.metric`, stores it, and returns the blob's
 * digest.
 */
export async function measureImportance(
  deps: StoringDependencies,
  model: LoadedModel,
  { version, configuration, holdout, target }: Measured,
): Promise<Sha256> {
  const { classes = [], inputs } = version.signature;
  const features = inputs.map(({ name }) => name);
  const names = [...new Set([...features, target])];
  const chosen = sampledRows(holdout.rows, importanceBounds.rows, configuration.build.seed);
  const { rows: count, columns: cells } = await rowsAt(holdout, names, chosen);
  const truth = targetsOf(cells[target] ?? []);
  const batchOf = batchesOfFewChanges(inputs);
  const importance = await permutationImportance({
    features,
    columns: Object.fromEntries(features.map((name) => [name, cells[name] ?? []])),
    rows: count,
    metric: configuration.build.metric,
    seed: configuration.build.seed,
    answer: async (columns, rows): Promise<Sample | null> => {
      try {
        const answers = await model.predict(batchOf(columns, rows.length));
        const probabilityOf = probabilityIn(version.signature, answers);
        const asked = { truth: rows.flatMap((row) => truth[row] ?? []), values: answers.values, probabilityOf };
        return sampleOf(configuration, asked, classes);
      } catch (caught) {
        return nullIfInvalid(caught);
      }
    },
  });
  return storeJson(deps.objectStore, importance);
}

/**
 * Returns a function like `batchOfCells` that converts only those columns that are not the same lists as in its first
 * call. They must have the same values in another order.
 */
function batchesOfFewChanges(inputs: readonly SignatureInput[]): (columns: CellColumns, rows: number) => ColumnBatch {
  let first: { readonly columns: CellColumns; readonly batch: ColumnBatch } | undefined;
  return (columns, rows) => {
    if (first === undefined) {
      first = { columns, batch: batchOfCells(inputs, columns, rows) };
      return first.batch;
    }
    const { layout } = first.batch;
    const numbers = first.batch.numbers.slice();
    const texts = [...first.batch.texts];
    for (const [at, input] of inputs.entries()) {
      if (columns[input.name] === first.columns[input.name]) continue;
      const { numbers: changed, texts: changedTexts } = batchOfCells([input], columns, rows);
      const place = layout.places[at] ?? 0;
      if (changed.length > 0) numbers.set(changed, place * rows);
      for (const text of changedTexts) texts[place] = text;
    }
    return { layout, rows, numbers, texts };
  };
}

/** Shuffling creates rows that never occurred, so a model that has no answer to one of them is not at fault. */
function nullIfInvalid(caught: unknown): null {
  if (caught instanceof PerennialError && caught.code === 'prediction-invalid') return null;
  throw caught;
}
