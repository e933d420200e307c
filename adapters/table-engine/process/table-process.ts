import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { mountsOfOwnProgram } from '../../sandbox/own-program.ts';
import type { Ending, Mount, Sandbox, SandboxedProcess } from '../../sandbox/sandbox.ts';
import type { ProcessFolders } from './hand-over.ts';

export interface ProcessSettings {
  readonly sandbox: Sandbox;
  readonly scratchFolder: string;
  /** Memory of the whole process: its heap, the database's buffers, file readers and Node itself. */
  readonly memoryBytes: number;
  readonly heapMebibytes: number;
  /** Disk for a process's results and for rows spilled from memory. */
  readonly diskBytes: number;
  /** Maximum lifetime of a process, idle or busy. */
  readonly lifetimeMs: number;
}

const filesAtMost = 100_000;
const processesAtMost = 2;
/** How long a process may take to end after its output has ended. */
const endingMs = 2_000;

/** One process, which serves one call. */
export class TableProcess {
  readonly folders: ProcessFolders;
  readonly #process: SandboxedProcess;
  #said = '';
  /** Whether the process can no longer take a call. */
  ended = false;

  private constructor(folders: ProcessFolders, running: SandboxedProcess) {
    this.folders = folders;
    this.#process = running;
    running.stdin.on('error', () => undefined);
    running.stderr.on('data', (chunk: Buffer) => (this.#said = `${this.#said}${chunk.toString()}`.slice(-2000)));
    // Node closes standard input as soon as the process is gone. How the process ended is known only after its sandbox
    // has been removed.
    running.stdin.on('close', () => (this.ended = true));
  }

  /** Starts a process. `compiled` mounts the compile cache. */
  static async start(settings: ProcessSettings, compiled: Mount, signal: AbortSignal): Promise<TableProcess> {
    const folders = await makeFolders(settings.scratchFolder);
    try {
      await mkdir(compiled.source, { recursive: true });
      return new TableProcess(folders, await open(settings, folders, compiled, signal));
    } catch (caught) {
      await rm(folders.root, { recursive: true, force: true });
      throw caught;
    }
  }

  /** Sends a line to the process and returns the lines of its answer. */
  ask(line: string): AsyncGenerator<string> {
    this.#process.stdin.write(`${line}\n`);
    return linesOf(this.#process.stdout);
  }

  /** Tells the process that the files exist that it asked for. */
  supplied(): void {
    this.#process.stdin.write('\n');
  }

  /** Returns the last characters that the process wrote to standard error. */
  said(): string {
    return this.#said.trim();
  }

  /** Sets whether the child process keeps this process from exiting. */
  hold(held: boolean): void {
    this.#process.hold(held);
  }

  stop(): void {
    this.#process.stop();
  }

  /** Ends the process's standard input without a call and waits until the process has ended by itself. */
  async dismiss(): Promise<void> {
    this.#process.stdout.resume();
    this.#process.stdin.end();
    await this.#process.ended;
  }

  /** Returns how the process ended, after its output has ended. Stops it if it has not ended within `endingMs`. */
  async ending(): Promise<Ending> {
    await Promise.race([this.#process.ended, wait(endingMs, undefined, { ref: false })]);
    return this.end();
  }

  /**
   * Stops the process and waits until it has ended. Its output files can then be read, because nothing changes them any
   * more.
   */
  async end(): Promise<Ending> {
    // A spare process does not keep this process from exiting. Without `hold`, this process could exit before it sees
    // the spare's end.
    this.#process.hold(true);
    this.#process.stdout.resume();
    this.#process.stop();
    return this.#process.ended;
  }

  async removeFolders(): Promise<void> {
    await rm(this.folders.root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

async function makeFolders(scratchFolder: string): Promise<ProcessFolders> {
  await mkdir(scratchFolder, { recursive: true });
  const root = await mkdtemp(join(scratchFolder, 'call-'));
  const folders = { root, given: join(root, 'given'), made: join(root, 'made'), spill: join(root, 'spill') };
  await Promise.all([folders.given, folders.made, folders.spill].map((folder) => mkdir(folder)));
  return folders;
}

function open(
  { sandbox, memoryBytes, heapMebibytes, diskBytes, lifetimeMs }: ProcessSettings,
  { given, made, spill }: ProcessFolders,
  compiled: Mount,
  signal: AbortSignal,
): Promise<SandboxedProcess> {
  return sandbox.open({
    title: 'the table engine',
    file: process.execPath,
    args: [
      `--max-old-space-size=${heapMebibytes}`,
      '--disable-warning=ExperimentalWarning',
      fileURLToPath(new URL('start.mjs', import.meta.url)),
      compiled.source,
    ],
    cwd: '/',
    // These settings return DuckDB's freed blocks to the system. By default, glibc keeps them, and a call would hold
    // half as much again as its limit.
    env: {
      TZ: 'UTC',
      MALLOC_ARENA_MAX: '2',
      MALLOC_MMAP_THRESHOLD_: '131072',
      MALLOC_TRIM_THRESHOLD_: '131072',
    },
    mounts: [
      ...mountsOfOwnProgram(),
      compiled,
      { source: given },
      { source: made, writable: true },
      { source: spill, writable: true },
    ],
    network: { kind: 'none' },
    limits: { timeoutMs: lifetimeMs, memoryBytes, processes: processesAtMost, diskBytes, files: filesAtMost },
    signal,
  });
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
