import { Worker } from 'node:worker_threads';
import type { ErrorCode, ErrorFields } from '../../contracts/errors.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import { largeBodyBytes } from './body-budget.ts';
import type { Heads, RequestBody } from './request-body.ts';
import { parseBody } from './request-body.ts';
import type { RawBody } from './request-bodies.ts';
import type { Taken, TakenInputs } from './taken.ts';
import type { Columns } from './tensor-columns.ts';

/** A body that is read in the thread for large bodies. */
export interface BodyToRead {
  readonly id: number;
  readonly protocol: keyof Heads;
  readonly format: RawBody['format'];
  /** Shared with the thread, so that a body can be read several times and is copied once. */
  readonly bytes: Uint8Array;
  readonly textBytes: number;
  readonly taken: TakenInputs;
}

export type ReadOutcome<Value> =
  | { readonly value: Value }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly fields: ErrorFields } };

/** Columns without their layout, which is the version's. */
export interface SentColumns {
  readonly rows: number;
  readonly numbers: Columns['batch']['numbers'];
  readonly texts: Columns['batch']['texts'];
  readonly ignored: Columns['ignored'];
}

export interface BodyRead {
  readonly id: number;
  /** The head, under the protocol's name. */
  readonly head: ReadOutcome<Partial<Heads>>;
  /** Absent if the head could not be read. */
  readonly columns?: ReadOutcome<SentColumns>;
}

interface Waiting {
  readonly body: BodyToRead;
  readonly resolve: (read: BodyRead) => void;
  readonly reject: (reason: unknown) => void;
}

const heapMebibytes = 2048;

/**
 * Reads the bodies of requests. Large ones are read in a thread of their own, because the event loop could otherwise
 * answer nobody for tens of milliseconds.
 */
export class Bodies {
  readonly #program: URL;
  #worker: Worker | undefined;
  /** In the order in which the thread reads them. */
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  /** @param program what the thread runs. */
  constructor(program = new URL('body-thread-main.ts', import.meta.url)) {
    this.#program = program;
  }

  /**
   * Parses a body. Throws `invalid-request`.
   *
   * @param likely how the version reads its inputs that most likely answers.
   */
  read<Protocol extends keyof Heads>(
    protocol: Protocol,
    raw: RawBody,
    likely: Taken,
  ): RequestBody<Heads[Protocol]> | Promise<RequestBody<Heads[Protocol]>> {
    return raw.bytes.length <= largeBodyBytes ? parseBody(protocol, raw) : this.#readLarge(protocol, raw, likely);
  }

  /** Ends the thread for large bodies. Bodies that still wait for it fail with `model-unavailable`. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    const reason = new PerennialError('model-unavailable', 'this gateway is stopping; use another gateway');
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
    await worker?.terminate();
  }

  async #readLarge<Protocol extends keyof Heads>(
    protocol: Protocol,
    raw: RawBody,
    likely: Taken,
  ): Promise<RequestBody<Heads[Protocol]>> {
    const bytes = new Uint8Array(new SharedArrayBuffer(raw.bytes.length));
    bytes.set(raw.bytes);
    const ask = ({ signature, missing, nulls }: Taken): Promise<BodyRead> => {
      const id = (this.#lastId += 1);
      const taken = { signature, missing, nulls };
      return this.#ask({ id, protocol, format: raw.format, bytes, textBytes: raw.textBytes, taken });
    };
    const first = await ask(likely);
    const head: Heads[Protocol] | undefined = valueOf(first.head)[protocol];
    if (head === undefined) throw new PerennialError('internal', `the thread read no head of the protocol ${protocol}`);
    return {
      head,
      columns: async (taken) => columnsOf(taken === likely ? first : await ask(taken), taken),
    };
  }

  #ask(body: BodyToRead): Promise<BodyRead> {
    return new Promise((resolve, reject) => this.#send({ body, resolve, reject }));
  }

  #send(waiting: Waiting): void {
    this.#waiting.set(waiting.body.id, waiting);
    this.#thread().postMessage(waiting.body, []);
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(this.#program, { resourceLimits: { maxOldGenerationSizeMb: heapMebibytes } });
    this.#worker = worker;
    worker.unref();
    worker.on('message', (read: BodyRead) => {
      this.#waiting.get(read.id)?.resolve(read);
      this.#waiting.delete(read.id);
    });
    let failure: unknown = 'it ended unexpectedly';
    worker.on('error', (caught) => (failure = caught));
    worker.on('exit', () => {
      if (this.#worker === worker) this.#startAgain(failure);
    });
    return worker;
  }

  /** Fails the body during which the thread ended. Another thread reads the others, which are not at fault. */
  #startAgain(failure: unknown): void {
    this.#worker = undefined;
    const [first, ...others] = [...this.#waiting.values()];
    this.#waiting.clear();
    first?.reject(failureOf(failure));
    for (const waiting of others) this.#send(waiting);
  }
}

function failureOf(caught: unknown): PerennialError {
  if (caught instanceof Error && 'code' in caught && caught.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new PerennialError('too-large', 'the body takes too much memory to read; send the rows in several requests');
  return new PerennialError('internal', `the thread that reads large bodies failed: ${reasonOf(caught)}`);
}

function columnsOf({ columns, head }: BodyRead, { layout }: Taken): Columns {
  if (columns === undefined) {
    valueOf(head);
    throw new PerennialError('internal', 'the thread that reads large bodies returned no columns');
  }
  const { rows, numbers, texts, ignored } = valueOf(columns);
  return { batch: { layout, rows, numbers, texts }, ignored };
}

function valueOf<Value>(outcome: ReadOutcome<Value>): Value {
  if ('value' in outcome) return outcome.value;
  const { code, message, fields } = outcome.error;
  throw new PerennialError(code, message, fields);
}
