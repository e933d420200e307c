import type { Cell } from '../../../contracts/data/data-types.ts';
import { PerennialError, reasonOf } from '../../../contracts/errors.ts';
import type { Ending, Mount } from '../../sandbox/sandbox.ts';
import { type CompiledCode, compiledCode } from './compiled-code.ts';
import { handOver } from './hand-over.ts';
import { limitReached } from './limit-reached.ts';
import type { OperationAnswer, Call, MemoryLimits, OperationName, Operations } from './operations.ts';
import { type ProcessSettings, TableProcess } from './table-process.ts';

export interface TableProcessSettings extends Omit<ProcessSettings, 'lifetimeMs'> {
  readonly memoryLimits: MemoryLimits;
  /** Maximum number of rows that one call may return, because its caller holds them in memory. */
  readonly rowsAtMost: number;
  readonly timeLimitMs: number;
  readonly concurrency: number;
}

type OnPiece = (columns: readonly (readonly Cell[])[]) => void;

/** How long the spare process waits for a call before it is stopped. */
const spareIdleMs = 60_000;
/** Extra lifetime for starting the process, and for files that are handed over or fetched for it during the call. */
const slackMs = 600_000;

/**
 * Runs each call in its own process. One spare process is started in advance, because starting takes longer than most
 * calls; it also serves only one call. Processes end with their call, with `close`, and with this process.
 */
export class TableProcesses {
  readonly #settings: TableProcessSettings;
  readonly #compiled: CompiledCode;
  readonly #running = new Set<TableProcess>();
  readonly #waiting: (() => void)[] = [];
  readonly #closing = new AbortController();
  #active = 0;
  #spare: { readonly started: Promise<TableProcess | null>; readonly timer: NodeJS.Timeout } | undefined;
  #filled: Promise<void> | undefined;

  constructor(settings: TableProcessSettings) {
    this.#settings = settings;
    this.#compiled = compiledCode(settings.scratchFolder);
  }

  async call<Name extends OperationName>(
    operation: Name,
    request: Operations[Name]['request'],
    onPiece: OnPiece = () => undefined,
    timeLimitMs = this.#settings.timeLimitMs,
  ): Promise<Operations[Name]['result']> {
    await this.#turn();
    try {
      const child = await this.#take();
      try {
        const { request: told, supply, takeBack } = await handOver(operation, request, child.folders);
        const { memoryLimits, rowsAtMost } = this.#settings;
        const call: Call<Name> = {
          operation,
          request: told,
          folder: child.folders.spill,
          memoryLimits,
          rowsAtMost,
          suppliesFiles: supply !== null,
        };
        const limitMs = Math.min(timeLimitMs, this.#settings.timeLimitMs);
        return await takeBack(await ask(child, call, { onPiece, supply }, limitMs));
      } finally {
        await this.#discard(child);
      }
    } finally {
      this.#active -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** Stops every process, including those that are serving a call, and waits until they have ended. */
  async close(): Promise<void> {
    this.#closing.abort();
    const spare = this.#spare;
    this.#spare = undefined;
    clearTimeout(spare?.timer);
    await Promise.all([spare?.started, this.#filled]);
    await Promise.all([...this.#running].map((child) => this.#discard(child)));
  }

  async #turn(): Promise<void> {
    if (this.#active >= this.#settings.concurrency) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#active += 1;
  }

  async #take(): Promise<TableProcess> {
    const spare = this.#spare;
    this.#spare = undefined;
    clearTimeout(spare?.timer);
    const ahead = (await spare?.started) ?? null;
    const child = ahead === null || ahead.ended ? await this.#start() : ahead;
    child.hold(true);
    this.#startSpare();
    return child;
  }

  #startSpare(): void {
    if (this.#spare !== undefined || this.#closing.signal.aborted) return;
    // If the spare cannot be started, the next call starts a process itself and reports the reason.
    const started = this.#startAhead().catch(() => null);
    const timer = setTimeout(() => this.#dropSpare(started), spareIdleMs).unref();
    this.#spare = { started, timer };
  }

  async #startAhead(): Promise<TableProcess> {
    await (this.#filled ??= this.#fill().catch(() => undefined));
    const child = await this.#start();
    child.hold(false);
    return child;
  }

  #dropSpare(started: Promise<TableProcess | null>): void {
    if (this.#spare?.started === started) this.#spare = undefined;
    void started.then((child) => (child === null ? undefined : this.#discard(child)));
  }

  /** Starts a process without a call, once, to fill the compile cache. */
  async #fill(): Promise<void> {
    await this.#compiled.fill(async () => {
      const child = await this.#start({ source: this.#compiled.folder, writable: true });
      child.hold(false);
      await child.dismiss();
      await this.#discard(child);
    });
  }

  async #start(compiled: Mount = { source: this.#compiled.folder }): Promise<TableProcess> {
    if (this.#closing.signal.aborted) throw closed();
    const lifetimeMs = spareIdleMs + this.#settings.timeLimitMs + slackMs;
    const child = await TableProcess.start({ ...this.#settings, lifetimeMs }, compiled, this.#closing.signal);
    this.#running.add(child);
    return child;
  }

  async #discard(child: TableProcess): Promise<void> {
    await child.end().catch(() => undefined);
    await child.removeFolders();
    this.#running.delete(child);
  }
}

interface Serving {
  readonly onPiece: OnPiece;
  readonly supply: ((paths: readonly string[]) => Promise<void>) | null;
}

async function ask<Name extends OperationName>(
  child: TableProcess,
  call: Call<Name>,
  { onPiece, supply }: Serving,
  timeLimitMs: number,
): Promise<Operations[Name]['result']> {
  const limit = new TimeLimit(timeLimitMs, () => child.stop());
  try {
    for await (const line of child.ask(JSON.stringify(call))) {
      const answer: OperationAnswer<Name> = JSON.parse(line);
      if (answer.kind === 'piece') onPiece(answer.columns);
      else if (answer.kind === 'supply') {
        // The time that the caller takes does not count.
        limit.pause();
        await supply?.(answer.paths);
        child.supplied();
        limit.start();
      } else if (answer.kind === 'result') {
        // Until it has ended, the process could change its output files.
        await child.end();
        return answer.result;
      } else throw new PerennialError(answer.code, answer.message, answer.fields);
    }
  } finally {
    limit.pause();
  }
  const ending = await child.ending().catch((caught: unknown) => reasonOf(caught));
  throw died(call.operation, limit.isReached ? timeLimitMs : null, ending, child.said());
}

/** Calls `onLate` once the limit is reached, unless it is paused. */
class TimeLimit {
  isReached = false;
  readonly #onLate: () => void;
  #leftMs: number;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number, onLate: () => void) {
    this.#onLate = onLate;
    this.#leftMs = limitMs;
    this.start();
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#timer = setTimeout(() => {
      this.isReached = true;
      this.#onLate();
    }, this.#leftMs);
  }

  pause(): void {
    clearTimeout(this.#timer);
    this.#leftMs = Math.max(0, this.#leftMs - (performance.now() - this.#startedAt));
  }
}

function closed(): PerennialError {
  return new PerennialError('cancelled', 'the table engine has been closed', {});
}

/**
 * Returns the error of a process that ended without an answer. `lateMs` is the time limit if the process was stopped
 * for exceeding it, otherwise null.
 */
function died(operation: OperationName, lateMs: number | null, ending: Ending | string, said: string): PerennialError {
  if (lateMs !== null) return limitReached('time', `${operation} was stopped after ${lateMs / 1000} s`);
  if (typeof ending !== 'string' && ending.kind === 'over-limit') {
    const { what, found, limit } = ending.breach;
    if (what === 'memory' || what === 'disk')
      return limitReached(what, `${operation} reached ${found} bytes, and the limit is ${limit}`);
  }
  if (/out of memory|\bOOM\b|bad_alloc/i.test(said))
    return limitReached('memory', `${operation} filled the memory of its process`);
  return new PerennialError(
    'process-died',
    `the process of ${operation} ended before it answered, ${reasonFor(ending)}. Its output: ${said === '' ? 'nothing' : said}`,
    { operation },
  );
}

function reasonFor(ending: Ending | string): string {
  if (typeof ending === 'string') return ending;
  if (ending.kind === 'over-limit')
    return `because its ${ending.breach.what} reached ${ending.breach.found}, and the limit is ${ending.breach.limit}`;
  if (ending.kind === 'not-started') return `because it could not be started: ${ending.reason}`;
  return 'most likely because this machine ran out of memory; give the machine more memory, or lower PERENNIAL_TABLE_MEMORY';
}
