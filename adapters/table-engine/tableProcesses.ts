import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { getCompileCacheDir } from 'node:module';
import { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Cell } from '../../contracts/data-types.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Answer, Call, OperationName, Operations } from './operations.ts';

export interface TableProcessSettings {
  readonly nodePath: string;
  readonly scratchFolder: string;
  readonly memoryLimit: string;
  /** Of calls on rows that are known to be narrow. */
  readonly narrowMemoryLimit: string;
  readonly heapMebibytes: number;
  readonly timeLimitMs: number;
  readonly concurrency: number;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** How long a process that was started ahead waits for its call. */
const spareIdleMs = 60_000;

/**
 * Runs each call in a process of its own. One process is started ahead, because starting takes longer than most calls;
 * it serves one call as any other. Processes end with their call, with `close`, and with this process.
 */
export class TableProcesses {
  readonly #settings: TableProcessSettings;
  readonly #running = new Set<Child>();
  readonly #waiting: (() => void)[] = [];
  #active = 0;
  #spare: { readonly child: Child; readonly timer: NodeJS.Timeout } | undefined;
  #closed = false;

  constructor(settings: TableProcessSettings) {
    this.#settings = settings;
  }

  async call<Name extends OperationName>(
    operation: Name,
    request: Operations[Name]['request'],
    onPiece: (columns: readonly (readonly Cell[])[]) => void = () => undefined,
    timeLimitMs = this.#settings.timeLimitMs,
  ): Promise<Operations[Name]['result']> {
    await this.#turn();
    try {
      const folder = await this.#callFolder();
      try {
        const { memoryLimit, narrowMemoryLimit } = this.#settings;
        const call: Call<Name> = { operation, request, folder, memoryLimit, narrowMemoryLimit };
        return await this.#ask(call, onPiece, Math.min(timeLimitMs, this.#settings.timeLimitMs));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    } finally {
      this.#active -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** Ends every process, also those at work, and waits until they are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#spare) clearTimeout(this.#spare.timer);
    this.#spare = undefined;
    await Promise.all([...this.#running].map(end));
  }

  async #turn(): Promise<void> {
    if (this.#active >= this.#settings.concurrency) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#active += 1;
  }

  async #callFolder(): Promise<string> {
    await mkdir(this.#settings.scratchFolder, { recursive: true });
    return mkdtemp(join(this.#settings.scratchFolder, 'call-'));
  }

  async #ask<Name extends OperationName>(
    call: Call<Name>,
    onPiece: (columns: readonly (readonly Cell[])[]) => void,
    timeLimitMs: number,
  ): Promise<Operations[Name]['result']> {
    const child = this.#take();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeLimitMs);
    try {
      const said = listen(child);
      child.stdin.write(`${JSON.stringify(call)}\n`);
      for await (const line of linesOf(child.stdout)) {
        const answer: Answer<Name> = JSON.parse(line);
        if (answer.kind === 'piece') onPiece(answer.columns);
        else if (answer.kind === 'result') return answer.result;
        else throw new PerennialError(answer.code, answer.message, answer.fields);
      }
      throw died(call.operation, late ? timeLimitMs : null, said());
    } finally {
      clearTimeout(timer);
      await end(child);
    }
  }

  #take(): Child {
    if (this.#closed) throw new PerennialError('cancelled', 'the table engine has been closed', {});
    const taken = this.#spare;
    this.#spare = undefined;
    if (taken) clearTimeout(taken.timer);
    const child = taken?.child ?? this.#start();
    hold(child, true);
    this.#startSpare();
    return child;
  }

  #startSpare(): void {
    const child = this.#start();
    hold(child, false);
    const drop = (): void => {
      if (this.#spare?.child === child) this.#spare = undefined;
      clearTimeout(timer);
      child.kill('SIGKILL');
    };
    const timer = setTimeout(drop, spareIdleMs).unref();
    this.#spare = { child, timer };
    child.once('exit', drop);
  }

  #start(): Child {
    const { nodePath, heapMebibytes, scratchFolder } = this.#settings;
    const child = spawn(
      nodePath,
      [
        `--max-old-space-size=${heapMebibytes}`,
        '--disable-warning=ExperimentalWarning',
        fileURLToPath(new URL('process.ts', import.meta.url)),
      ],
      {
        // Nothing of this process's environment: it holds secrets. Blocks of DuckDB's go back to the system when they
        // are freed; glibc would keep them, and a call would hold half as much again as its limit.
        env: {
          TZ: 'UTC',
          NODE_COMPILE_CACHE: compiledFolder(scratchFolder),
          MALLOC_ARENA_MAX: '2',
          MALLOC_MMAP_THRESHOLD_: '131072',
          MALLOC_TRIM_THRESHOLD_: '131072',
        },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    // A child that cannot start or has died is noticed by the end of its output.
    child.on('error', () => this.#running.delete(child));
    child.stdin.on('error', () => undefined);
    return child;
  }
}

/** `lateMs`: the time that it had, where it was stopped for it. */
function died(operation: OperationName, lateMs: number | null, said: string): PerennialError {
  const how =
    lateMs === null
      ? 'ended before it answered, most likely for want of memory'
      : `was stopped after ${lateMs / 1000} s`;
  return new PerennialError(
    'process-died',
    `the process of ${operation} ${how}; give it smaller batches or a larger machine. It said: ${said === '' ? 'nothing' : said}`,
    { operation, late: lateMs !== null },
  );
}

/** Where this process keeps what Node has compiled, so that not each scratch folder begins anew; else in that. */
function compiledFolder(scratchFolder: string): string {
  const own = getCompileCacheDir();
  return own === undefined ? join(scratchFolder, 'compiled') : dirname(own);
}

/** Whether the child keeps this process from ending. */
function hold(child: Child, held: boolean): void {
  if (held) child.ref();
  else child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    if (!(stream instanceof Socket)) continue;
    if (held) stream.ref();
    else stream.unref();
  }
}

function listen(child: Child): () => string {
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2000)));
  return () => said.trim();
}

async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let start = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, start)) {
      yield Buffer.concat([...pieces, chunk.subarray(start, at)]).toString();
      pieces = [];
      start = at + 1;
    }
    pieces.push(chunk.subarray(start));
  }
}

async function end(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  // One that was started ahead does not keep this process going, and its end would never be seen.
  hold(child, true);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
