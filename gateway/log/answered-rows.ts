import type { Instant } from '../../contracts/identifiers.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import type { BlockRows } from '../../contracts/serving/segment-blocks/block-format.ts';
import type { Answers } from '../../ports/model-format.ts';
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

/** Returns the rows as they are encoded in a segment. */
export function blockRows(rows: AnsweredRows, recordedAt: Instant): BlockRows {
  const { role, replay, request, ids, eventTimes, predictions } = rows;
  return {
    role,
    replay,
    recordedAt: Date.parse(recordedAt),
    eventTimes: eventTimes === undefined ? undefined : Float64Array.from(eventTimes, (time) => Date.parse(time)),
    request,
    ids,
    batch: rows.columns.batch,
    answers: predictions,
  };
}
