import type { ColumnBatch } from '../../../contracts/data/column-batch.ts';
import { sliceOfBatch } from '../../../contracts/data/column-batch.ts';
import type { Answers } from '../../../ports/model-format.ts';
import { joinAnswers } from './join-answers.ts';

type Predict = (batch: ColumnBatch) => Promise<Answers>;

/** How long one call should hold the event loop, in milliseconds. */
const pieceMs = 0.4;
const fewestRows = 16;
const mostRowsPerCall = 4_096;
/** By how much the estimate of the time per row rises with each call, so that it follows a machine that slows down. */
const forgetting = 1.1;

/**
 * Returns a function that predicts many rows in several calls, between which the event loop handles other events. The
 * number of rows per call follows the time that the calls take.
 */
export function inPieces(predict: Predict): Predict {
  let rowsPerCall = 256;
  let msPerRow = pieceMs / rowsPerCall;
  const timed = async (batch: ColumnBatch): Promise<Answers> => {
    const begun = performance.now();
    const answers = await predict(batch);
    // The time includes other events, so the fastest of the last calls tells the most about the model.
    msPerRow = Math.max(1e-6, Math.min(msPerRow * forgetting, (performance.now() - begun) / batch.rows));
    rowsPerCall = Math.min(mostRowsPerCall, Math.max(fewestRows, Math.floor(pieceMs / msPerRow)));
    return answers;
  };
  return async (batch) => {
    if (batch.rows <= rowsPerCall) return predict(batch);
    const parts: Answers[] = [];
    for (let from = 0; from < batch.rows;) {
      const to = Math.min(batch.rows, from + rowsPerCall);
      parts.push(await timed(sliceOfBatch(batch, from, to)));
      from = to;
    }
    return joinAnswers(parts);
  };
}
