import { cellIn, layoutOf } from '../../contracts/data/column-batch.ts';
import type { ColumnBatch } from '../../contracts/data/column-batch.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { batchOfCells, kindOf } from '../../contracts/models/batch-of-cells.ts';
import type { SignatureInput } from '../../contracts/models/signature.ts';
import type { Answers, LoadedModel } from '../../ports/model-format.ts';
import type { StoredColumns } from '../../ports/stored-columns.ts';

export interface PredictedBatch {
  /** Number of the batch's first row. */
  readonly first: number;
  readonly rows: number;
  readonly answers: Answers;
  /** The asked columns of the same rows, in the asked order. */
  readonly asked: ColumnBatch;
}

/**
 * Predicts stored rows, batch by batch. Throws `prediction-invalid` if a row has no finite answer.
 *
 * @param asked columns that are read besides the model's inputs.
 */
export async function* predictedBatches(
  model: LoadedModel,
  stored: StoredColumns,
  asked: readonly string[],
): AsyncGenerator<PredictedBatch> {
  const { inputs } = model.signature;
  let first = 0;
  for await (const batch of stored.batches([...asked, ...inputs.map(({ name }) => name)])) {
    const answers = await predictAt(first, () => model.predict(inputsOf(inputs, batch, asked.length)));
    yield { first, rows: batch.rows, answers, asked: batch };
    first += batch.rows;
  }
}

/** Returns the batch of the model's inputs, which follow the first `skipped` columns. */
function inputsOf(inputs: readonly SignatureInput[], batch: ColumnBatch, skipped: number): ColumnBatch {
  const { layout, rows } = batch;
  const kinds = layout.kinds.slice(skipped);
  const isReady = inputs.every(({ type }, at) => {
    if (type === 'FP32' || type === 'FP64') return kinds[at] !== 'text';
    return type === 'BYTES' && kinds[at] === 'text';
  });
  if (!isReady) {
    const cells = inputs.map(({ name }, at) => {
      return [name, Array.from({ length: rows }, (_, row) => cellIn(batch, skipped + at, row))] as const;
    });
    return batchOfCells(inputs, Object.fromEntries(cells), rows);
  }
  const own = layoutOf(
    inputs.map(({ name }) => name),
    inputs.map(kindOf),
  );
  return {
    layout: own,
    rows,
    numbers: batch.numbers.subarray((layout.numbers - own.numbers) * rows),
    texts: batch.texts.slice(layout.texts - own.texts),
  };
}

/** A model counts the rows of its batch, and people those of the file. */
async function predictAt(first: number, predict: () => Promise<Answers>): Promise<Answers> {
  try {
    return await predict();
  } catch (caught) {
    if (first === 0 || !(caught instanceof PerennialError) || typeof caught.fields.row !== 'number') throw caught;
    const row = caught.fields.row + first;
    const message = caught.message.replace(`row ${caught.fields.row}`, `row ${row}`);
    throw new PerennialError(caught.code, message, { ...caught.fields, row }, { cause: caught });
  }
}
