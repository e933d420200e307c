import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { activityInfo } from '@temporalio/activity';
import { isErrorCode, PerennialError } from '../../contracts/errors.ts';
import type { Computing } from '../../ports/computing.ts';
import type { ComputationAnswer, ComputationOrder } from './messages.ts';

export interface ComputeSettings {
  /**
   * The main module of a computing process (serve-computations.ts), and its arguments after the worker's process id.
   */
  readonly program: URL;
  readonly args?: readonly string[];
  /** Limit of the heap of one process. */
  readonly memoryBytes: number;
}

/** An idle process ends after this time. */
const idleMs = 60_000;
/**
 * Work beyond this number queues. The bound exceeds the cores because some work only waits, for example for a gate's
 * command.
 */
const processesAtMost = availableParallelism() + 2;
const saidAtMost = 4_000;

/**
 * Runs computations in child processes of the worker's own program, one computation at a time in each. The computations
 * start neither a sandbox nor user code.
 */
export class ComputeProcesses implements Computing {
  readonly #settings: ComputeSettings;
  readonly #running = new Set<ComputeProcess>();
  readonly #idle: ComputeProcess[] = [];
  readonly #waiting: (() => void)[] = [];
  #active = 0;
  #closed = false;

  constructor(settings: ComputeSettings) {
    this.#settings = settings;
  }

  async run<Result>(name: string, input: unknown, signal: AbortSignal): Promise<Result> {
    const info = activityInfo();
    await this.#turn();
    try {
      signal.throwIfAborted();
      const child = this.#take();
      try {
        return await child.ask<Result>({ name, input, info }, signal);
      } finally {
        this.#putBack(child);
      }
    } finally {
      this.#passTurn();
    }
  }

  prepare(): void {
    if (this.#idle.length === 0 && this.#running.size < processesAtMost) this.#putBack(this.#start());
  }

  /** Kills every process, also those that are computing. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#running].map((child) => child.end()));
  }

  async #turn(): Promise<void> {
    if (this.#active < processesAtMost) this.#active += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Passes the slot directly to the next waiting caller, so that a caller arriving in between cannot exceed the bound.
   */
  #passTurn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#active -= 1;
    else next();
  }

  #take(): ComputeProcess {
    const child = this.#idle.pop() ?? this.#start();
    child.hold();
    return child;
  }

  #putBack(child: ComputeProcess): void {
    if (child.ended || this.#closed) return;
    this.#idle.push(child);
    child.rest(idleMs);
  }

  #start(): ComputeProcess {
    if (this.#closed) throw new PerennialError('cancelled', 'the worker is stopping');
    const child = new ComputeProcess(this.#settings, () => {
      this.#running.delete(child);
      const at = this.#idle.indexOf(child);
      if (at !== -1) this.#idle.splice(at, 1);
    });
    this.#running.add(child);
    return child;
  }
}

class ComputeProcess {
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  #said = '';
  #timer: NodeJS.Timeout | undefined;
  ended = false;

  constructor({ program, args = [], memoryBytes }: ComputeSettings, onEnd: () => void) {
    this.#process = fork(program, [String(process.pid), ...args], {
      execArgv: [
        '--disable-warning=ExperimentalWarning',
        `--import=${new URL('watch-parent.ts', import.meta.url).href}`,
        `--max-old-space-size=${Math.max(16, Math.floor(memoryBytes / 2 ** 20))}`,
      ],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      process.stderr.write(chunk);
      this.#said = `${this.#said}${chunk.toString()}`.slice(-saidAtMost);
    });
    this.#process.on('error', () => undefined);
    this.#exited = once(this.#process, 'close').catch(() => undefined);
    this.#process.once('exit', () => {
      this.ended = true;
      clearTimeout(this.#timer);
      onEnd();
    });
  }

  async ask<Result>(order: ComputationOrder, signal: AbortSignal): Promise<Result> {
    const abort = (): void => void this.#process.kill('SIGKILL');
    signal.addEventListener('abort', abort, { once: true });
    try {
      const answered = once(this.#process, 'message').then(([answer]): ComputationAnswer<Result> => answer);
      answered.catch(() => undefined);
      this.#process.send(order, () => undefined);
      const answer = await Promise.race([answered, this.#exited.then(() => null)]);
      if (answer === null) {
        signal.throwIfAborted();
        throw died(order.name, this.#said);
      }
      return resultOf(answer);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Keeps the worker's event loop alive while this process has work. */
  hold(): void {
    clearTimeout(this.#timer);
    this.#process.ref();
    this.#process.channel?.ref();
  }

  rest(ms: number): void {
    this.#process.unref();
    this.#process.channel?.unref();
    this.#timer = setTimeout(() => void this.end(), ms).unref();
  }

  async end(): Promise<void> {
    this.hold();
    this.#process.kill('SIGKILL');
    await this.#exited;
  }
}

function resultOf<Result>(answer: ComputationAnswer<Result>): Result {
  switch (answer.kind) {
    case 'result':
      return answer.result;
    case 'refusal':
      throw new PerennialError(isErrorCode(answer.code) ? answer.code : 'internal', answer.message, answer.fields);
    case 'unforeseen':
      throw Object.assign(new Error(answer.message), { stack: answer.stack });
  }
}

function died(name: string, said: string): PerennialError {
  if (/out of memory/i.test(said))
    return new PerennialError(
      'limit-reached',
      `the columns that ${name} loads need more memory than one run may use; raise PERENNIAL_COMPUTE_MEMORY on the workers, or hold out or monitor fewer rows`,
      { limit: 'memory', setting: 'PERENNIAL_COMPUTE_MEMORY' },
    );
  return new PerennialError(
    'process-died',
    `the process that computes ${name} ended before it answered, most likely because this machine ran out of memory; its output: ${said.trim() === '' ? 'none' : said.trim().slice(-500)}`,
    { operation: name },
  );
}
