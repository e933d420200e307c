import { PerennialError, reasonOf } from '../../../contracts/errors.ts';
import type { Ending, Sandbox } from '../../sandbox/sandbox.ts';
import { TimeLimit } from '../../sandbox/waiting/time-limit.ts';
import type { WaitingProcess } from '../../sandbox/waiting/waiting-process.ts';
import { WaitingProcesses } from '../../sandbox/waiting/waiting-processes.ts';
import type { WaitingProgram } from '../../sandbox/waiting/waiting-program.ts';
import { handOver } from './hand-over.ts';
import { limitReached } from './limit-reached.ts';
import type { OperationAnswer, Call, MemoryLimits, OperationName, Operations } from './operations.ts';

export interface TableProcessSettings {
  readonly sandbox: Sandbox;
  readonly scratchFolder: string;
  /** Memory of the whole process: its heap, the database's buffers, file readers and Node itself. */
  readonly memoryBytes: number;
  readonly heapMebibytes: number;
  readonly memoryLimits: MemoryLimits;
  /** Disk for a call's results and for rows spilled from memory. */
  readonly diskBytes: number;
  readonly timeLimitMs: number;
  readonly concurrency: number;
  readonly spares: number;
  readonly refillAfterMs: number;
}

const filesAtMost = 100_000;

/** Runs each call of the engine in its own process. */
export class TableProcesses {
  readonly #settings: TableProcessSettings;
  readonly #waiting: WaitingProcesses;

  constructor(settings: TableProcessSettings) {
    this.#settings = settings;
    this.#waiting = new WaitingProcesses({ ...settings, program: programOf(settings) });
  }

  /** Starts processes for calls that will come soon. */
  prepare(): void {
    this.#waiting.prepare();
  }

  call<Name extends OperationName>(
    operation: Name,
    request: Operations[Name]['request'],
    timeLimitMs = this.#settings.timeLimitMs,
  ): Promise<Operations[Name]['result']> {
    return this.#waiting.call(async (child) => {
      const { request: told, supply, takeBack } = await handOver(operation, request, child.folders);
      const { memoryLimits } = this.#settings;
      const call: Call<Name> = {
        operation,
        request: told,
        folder: child.folders.spill,
        memoryLimits,
        suppliesFiles: supply !== null,
      };
      const limitMs = Math.min(timeLimitMs, this.#settings.timeLimitMs);
      return takeBack(await ask(child, call, supply, limitMs));
    });
  }

  /** Stops every process, including those that are serving a call, and waits until they have ended. */
  close(): Promise<void> {
    return this.#waiting.close();
  }
}

function programOf({ heapMebibytes, memoryBytes, diskBytes, timeLimitMs }: TableProcessSettings): WaitingProgram {
  return {
    title: 'the table engine',
    name: 'table-engine',
    main: new URL('table-process-main.ts', import.meta.url),
    sources: new URL('..', import.meta.url),
    nodeArguments: [`--max-old-space-size=${heapMebibytes}`],
    // These settings return DuckDB's freed blocks to the system. By default, glibc keeps them, and a call would hold
    // half as much again as its limit.
    env: { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' },
    limits: { memoryBytes, diskBytes, files: filesAtMost, timeMs: timeLimitMs },
  };
}

async function ask<Name extends OperationName>(
  child: WaitingProcess,
  call: Call<Name>,
  supply: ((paths: readonly string[]) => Promise<void>) | null,
  timeLimitMs: number,
): Promise<Operations[Name]['result']> {
  const limit = new TimeLimit(timeLimitMs, () => child.stop());
  try {
    for await (const line of child.ask(JSON.stringify(call))) {
      const answer: OperationAnswer<Name> = JSON.parse(line);
      if (answer.kind === 'supply') {
        // The time that the caller takes does not count.
        limit.pause();
        await supply?.(answer.paths);
        child.tell('');
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
