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
  /** How long a process may live, whatever it is at. */
  readonly lifetimeMs: number;
}

const filesAtMost = 100_000;
const processesAtMost = 2;
/** From the end of what a process says to its own. */
const endingMs = 2_000;

/** One process, which serves one call. */
export class TableProcess {
  readonly folders: ProcessFolders;
  readonly #process: SandboxedProcess;
  #said = '';
  /** Whether it takes no call any more. */
  ended = false;

  private constructor(folders: ProcessFolders, running: SandboxedProcess) {
    this.folders = folders;
    this.#process = running;
    running.stdin.on('error', () => undefined);
    running.stderr.on('data', (chunk: Buffer) => (this.#said = `${this.#said}${chunk.toString()}`.slice(-2000)));
    // Node closes it as soon as the process is gone; how it ended is known after its sandbox is cleared away.
    running.stdin.on('close', () => (this.ended = true));
  }

  /** `compiled`: what was compiled before. */
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

  /** The lines that the process answers a line with. */
  ask(line: string): AsyncGenerator<string> {
    this.#process.stdin.write(`${line}\n`);
    return linesOf(this.#process.stdout);
  }

  /** What it last said that is no answer. */
  said(): string {
    return this.#said.trim();
  }

  /** Whether it keeps this process from ending. */
  hold(held: boolean): void {
    this.#process.hold(held);
  }

  stop(): void {
    this.#process.stop();
  }

  /** Tells it that there is no call for it, and waits until it has ended by itself. */
  async dismiss(): Promise<void> {
    this.#process.stdout.resume();
    this.#process.stdin.end();
    await this.#process.ended;
  }

  /** How it ended, where it did so by itself a moment ago. */
  async ending(): Promise<Ending> {
    await Promise.race([this.#process.ended, wait(endingMs, undefined, { ref: false })]);
    return this.end();
  }

  /** Ends it. What it made can be read then, and nothing changes it any more. */
  async end(): Promise<Ending> {
    // One that was started ahead does not keep this process going, and its end would never be seen.
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
    // Blocks of DuckDB's go back to the system when they are freed; glibc would keep them, and a call would hold half as
    // much again as its limit.
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
