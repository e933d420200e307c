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
  /** Maximum number of concurrent calls of the runtime for requests that are not larger. */
  readonly calls: number;
}

const defaultLimits: BatcherLimits = { rows: 1024, calls: 2 };

/**
 * Combines the requests that arrive in one turn of the event loop, and those that wait for a busy model, into one call
 * of the runtime, because a call costs more than predicting a row. Larger requests wait in a queue of their own, so that
 * small ones do not wait for them.
 */
export interface Batcher {
  predict(batch: ColumnBatch): Promise<Answers>;
  /** Waits for the pending requests. Later requests are rejected with `model-unavailable`. */
  close(): Promise<void>;
}

/** Requests that are predicted by at most `calls` concurrent calls. */
class Lane {
  readonly #model: LoadedModel;
  readonly #limits: BatcherLimits;
  readonly #queue: Waiting[] = [];
  #calls = 0;
  #scheduled = false;
  #whenIdle: (() => void) | undefined;

  constructor(model: LoadedModel, limits: BatcherLimits) {
    this.#model = model;
    this.#limits = limits;
  }

  add(waiting: Waiting): void {
    this.#queue.push(waiting);
    this.#schedule();
  }

  async idle(): Promise<void> {
    if (this.#calls > 0 || this.#queue.length > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return;
    this.#scheduled = true;
    // `setImmediate` runs after all sockets that are readable in this turn have been read.
    setImmediate(() => this.#drain());
  }

  #drain(): void {
    this.#scheduled = false;
    while (this.#queue.length > 0 && this.#calls < this.#limits.calls) {
      this.#calls += 1;
      void this.#run(this.#takeBatch()).finally(() => {
        this.#calls -= 1;
        if (this.#queue.length > 0) this.#schedule();
        else if (this.#calls === 0) this.#whenIdle?.();
      });
    }
  }

  #takeBatch(): Waiting[] {
    let rows = 0;
    let count = 0;
    for (const { batch } of this.#queue) {
      if (count > 0 && rows + batch.rows > this.#limits.rows) break;
      rows += batch.rows;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #run(waiting: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.#model.predictEach(joinBatches(waiting.map(({ batch }) => batch)));
      let offset = 0;
      for (const { batch, resolve } of waiting)
        resolve(waiting.length === 1 ? answers : answersFrom(answers, offset, (offset += batch.rows)));
    } catch (failure) {
      // One caller's rows must not fail another caller's request, so each request is predicted again on its own.
      if (waiting.length > 1) for (const one of waiting) await this.#run([one]);
      else waiting[0]?.reject(failure);
    }
  }
}

export function createBatcher(model: LoadedModel, limits: BatcherLimits = defaultLimits): Batcher {
  const small = new Lane(model, limits);
  const large = new Lane(model, { rows: limits.rows, calls: 1 });
  let closed = false;
  return {
    predict(batch) {
      if (closed)
        return Promise.reject(
          new PerennialError('model-unavailable', 'the model was unloaded; send the request again'),
        );
      return new Promise((resolve, reject) => {
        (batch.rows > limits.rows ? large : small).add({ batch, resolve, reject });
      });
    },
    async close() {
      closed = true;
      await Promise.all([small.idle(), large.idle()]);
    },
  };
}
