import type { ColumnBatch } from '../../contracts/data/column-batch.ts';
import { joinBatches } from '../../contracts/data/column-batch.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Answers, LoadedModel } from '../../ports/model-format.ts';
import { answersFrom } from '../protocols/answers.ts';

interface Waiting {
  readonly batch: ColumnBatch;
  readonly resolve: (answers: Answers) => void;
  readonly reject: (reason: unknown) => void;
}

export interface BatcherLimits {
  /** Maximum rows in one call of the runtime; a larger request gets a call of its own. */
  readonly rows: number;
  /** Maximum number of concurrent calls of the runtime. */
  readonly calls: number;
}

const defaultLimits: BatcherLimits = { rows: 1024, calls: 2 };

/**
 * Combines the requests that arrive in one turn of the event loop, and those that wait for a busy model, into one call
 * of the runtime, because switching to the runtime's threads costs more than predicting a row.
 */
export interface Batcher {
  predict(batch: ColumnBatch): Promise<Answers>;
  /** Waits for the pending requests. Later requests are rejected with `model-unavailable`. */
  close(): Promise<void>;
}

export function createBatcher(model: LoadedModel, limits: BatcherLimits = defaultLimits): Batcher {
  const queue: Waiting[] = [];
  let calls = 0;
  let scheduled = false;
  let closed = false;
  let whenIdle: (() => void) | undefined;

  function schedule(): void {
    if (scheduled || queue.length === 0) return;
    scheduled = true;
    // `setImmediate` runs after all sockets that are readable in this turn have been read.
    setImmediate(drain);
  }

  function takeBatch(): Waiting[] {
    let rows = 0;
    let count = 0;
    for (const { batch } of queue) {
      if (count > 0 && rows + batch.rows > limits.rows) break;
      rows += batch.rows;
      count += 1;
    }
    return queue.splice(0, count);
  }

  function drain(): void {
    scheduled = false;
    while (queue.length > 0 && calls < limits.calls) {
      calls += 1;
      void run(takeBatch()).finally(() => {
        calls -= 1;
        if (queue.length > 0) schedule();
        else if (calls === 0) whenIdle?.();
      });
    }
  }

  async function run(waiting: readonly Waiting[]): Promise<void> {
    try {
      const answers = await model.predictEach(joinBatches(waiting.map(({ batch }) => batch)));
      let offset = 0;
      for (const { batch, resolve } of waiting)
        resolve(waiting.length === 1 ? answers : answersFrom(answers, offset, (offset += batch.rows)));
    } catch (failure) {
      // One caller's rows must not fail another caller's request, so each request is predicted again on its own.
      if (waiting.length > 1) for (const one of waiting) await run([one]);
      else waiting[0]?.reject(failure);
    }
  }

  return {
    predict(batch) {
      if (closed)
        return Promise.reject(
          new PerennialError('model-unavailable', 'the model was unloaded; send the request again'),
        );
      return new Promise((resolve, reject) => {
        queue.push({ batch, resolve, reject });
        schedule();
      });
    },
    async close() {
      closed = true;
      if (calls > 0 || queue.length > 0) await new Promise<void>((resolve) => (whenIdle = resolve));
    },
  };
}
