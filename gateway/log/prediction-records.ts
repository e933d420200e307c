import { cellIn } from '../../contracts/data/column-batch.ts';
import type { Instant } from '../../contracts/identifiers.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import type { Answers } from '../../ports/model-format.ts';
import { answerOf } from '../protocols/answers.ts';
import type { ServedScope, ServedSlot } from '../serving/serving-table.ts';
import type { Columns } from '../protocols/tensor-columns.ts';

/** Rows with a model's predictions, and the metadata that is logged with them. */
export interface AnsweredRows {
  readonly role: PredictionRecord['role'];
  readonly columns: Columns;
  readonly predictions: Answers;
  readonly ids: readonly string[];
  /** The id that the caller gave the request. */
  readonly request: string | undefined;
  readonly eventTimes: readonly Instant[] | undefined;
  readonly replay: boolean;
}

export function featuresOf(slot: ServedSlot): readonly string[] {
  return slot.model.signature.inputs.map((input) => input.name);
}

/** Builds the log records, one per row. */
export function predictionRecords(
  served: ServedScope,
  slot: ServedSlot,
  rows: AnsweredRows,
  recordedAt: Instant,
): PredictionRecord[] {
  const features = featuresOf(slot);
  return rows.ids.map((id, row) => {
    return {
      v: 1,
      id,
      ...(rows.request === undefined ? {} : { request: rows.request, row }),
      eventTime: rows.eventTimes?.[row] ?? recordedAt,
      recordedAt,
      release: slot.releaseDigest,
      modelVersion: slot.version,
      generation: served.generation,
      role: rows.role,
      replay: rows.replay,
      features: Object.fromEntries(features.map((feature, at) => [feature, cellIn(rows.columns.batch, at, row)])),
      ...answerOf(rows.predictions, row),
    };
  });
}
