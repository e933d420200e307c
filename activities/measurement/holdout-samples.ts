import { cellIn } from '../../contracts/data/column-batch.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { ClassValue, Signature } from '../../contracts/models/signature.ts';
import type { LoadedModel } from '../../ports/model-format.ts';
import type { StoredColumns } from '../../ports/stored-columns.ts';
import type { Sample } from '../../statistics/metrics/sample.ts';
import type { PredictedBatch } from './predicted-batches.ts';
import { predictedBatches } from './predicted-batches.ts';
import { sampleBuilder } from './sample-builder.ts';
import { probabilityIn } from './sample-of.ts';

interface Measured {
  readonly configuration: Pick<Configuration, 'task' | 'build'>;
  readonly holdout: StoredColumns;
  readonly target: string;
  /** Classes of the measured version; those of another model that answers are known from its signature. */
  readonly classes: readonly ClassValue[];
}

/**
 * Predicts the held-out rows batch by batch, and keeps only answers and truth.
 *
 * @param onBatch is given each batch before the next one is predicted.
 */
export async function holdoutSample(
  model: LoadedModel,
  { configuration, holdout, target, classes }: Measured,
  onBatch: (batch: PredictedBatch) => void = () => undefined,
): Promise<Sample> {
  const { signature } = model;
  const sampled = { classes, others: signature.classes ?? [], withShares: givesShares(signature) };
  const builder = sampleBuilder(configuration, sampled, holdout.rows);
  for await (const batch of predictedBatches(model, holdout, [target])) {
    const { answers, asked, rows, first } = batch;
    onBatch(batch);
    const probabilityOf = probabilityIn(signature, answers);
    for (let row = 0; row < rows; row += 1) {
      const truth = cellIn(asked, 0, row);
      if (truth === null)
        throw new PerennialError('internal', `row ${first + row} has no target, so it cannot be measured`, {
          row: first + row,
        });
      const shareOf = probabilityOf && ((key: string) => probabilityOf(row, key));
      builder.add(truth, answers.values[row] ?? Number.NaN, shareOf);
    }
  }
  return builder.sample();
}

function givesShares({ probabilities }: Signature): boolean {
  return probabilities !== undefined;
}
