/** Handling this many rows of a request takes well below a millisecond. */
const rowsInTurn = 250;

/** Resolves after the event loop has handled the other events that are due. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Calls `work` with one range of rows after the other (`to` is exclusive). Many rows are handled in several turns of the
 * event loop, so that other requests do not wait for them; few rows at once, without a promise.
 */
export function inTurns(rows: number, work: (from: number, to: number) => void): void | Promise<void> {
  if (rows > rowsInTurn) return severalTurns(rows, work);
  work(0, rows);
}

async function severalTurns(rows: number, work: (from: number, to: number) => void): Promise<void> {
  for (let from = 0; from < rows; from += rowsInTurn) {
    if (from > 0) await nextTurn();
    work(from, Math.min(rows, from + rowsInTurn));
  }
}
