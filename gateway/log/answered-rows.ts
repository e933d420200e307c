import type { Instant } from '../../contracts/identifiers.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import type { BlockRows } from '../../contracts/serving/segment-blocks/block-format.ts';
import { sliceOfBatch } from '../../contracts/data/column-batch.ts';
import type { Answers } from '../../ports/model-format.ts';
import { answersFrom } from '../protocols/answers.ts';
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

/**
 * Bytes of a block at which a request's rows are divided. Encoding and writing a piece takes well below a millisecond,
 * and rows of other requests are written between two pieces.
 */
const pieceBytes = 64 * 2 ** 10;
/** Bytes of an id in a block, with its length. */
const idBytes = 40;

/** Returns how many bytes a row has in a block, without the bytes of its texts. */
function leastRowBytes({ columns: { batch }, predictions, ids, eventTimes }: AnsweredRows): number {
  const { probabilities, vectors } = predictions;
  const outputs = Object.values(vectors).reduce((sum, vector) => sum + vector.length, probabilities?.length ?? 0);
  const doubles = batch.layout.numbers + 1 + (eventTimes === undefined ? 0 : 1) + outputs / ids.length;
  return idBytes + doubles * 8 + batch.layout.texts * 4;
}

/** Returns how many bytes the rows have at least in a segment. */
export function leastBytes(rows: AnsweredRows): number {
  return leastRowBytes(rows) * rows.ids.length;
}

/** Yields the rows as they are encoded in a segment, those of many rows in pieces. */
export function* loggedBlocks(rows: AnsweredRows, recordedAt: Instant): Generator<BlockRows> {
  const { length } = rows.ids;
  const piece = Math.max(1, Math.floor(pieceBytes / leastRowBytes(rows)));
  if (length <= piece) yield blockRows(rows, 0, recordedAt);
  else
    for (let from = 0; from < length; from += piece)
      yield blockRows(pieceOf(rows, from, Math.min(length, from + piece)), from, recordedAt);
}

function pieceOf(rows: AnsweredRows, from: number, to: number): AnsweredRows {
  return {
    ...rows,
    columns: { ...rows.columns, batch: sliceOfBatch(rows.columns.batch, from, to) },
    predictions: answersFrom(rows.predictions, from, to),
    ids: rows.ids.slice(from, to),
    eventTimes: rows.eventTimes?.slice(from, to),
  };
}

function blockRows(rows: AnsweredRows, firstRow: number, recordedAt: Instant): BlockRows {
  const { role, replay, request, ids, eventTimes, predictions } = rows;
  return {
    role,
    replay,
    recordedAt: Date.parse(recordedAt),
    eventTimes: eventTimes === undefined ? undefined : Float64Array.from(eventTimes, (time) => Date.parse(time)),
    request,
    firstRow,
    ids,
    batch: rows.columns.batch,
    answers: predictions,
  };
}
