import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { mountsOfOwnProgram } from '../own-program.ts';
import type { Ending, Mount, Sandbox, SandboxedProcess } from '../sandbox.ts';
import type { WaitingProgram } from './waiting-program.ts';

/** Folders of one process, created before it starts. The process sees no other data of the platform. */
export interface ProcessFolders {
  readonly root: string;
  /** Read-only for the process: the input files of its call. */
  readonly given: string;
  /** Writable for the process: the output files of its call. */
  readonly made: string;
  /** Writable for the process: rows that do not fit in its memory. */
  readonly spill: string;
}

export interface ProcessStart {
  readonly sandbox: Sandbox;
  readonly program: WaitingProgram;
  readonly scratchFolder: string;
  /** Longest life of the process, waiting and working. */
  readonly lifetimeMs: number;
  /** Mounts the compile cache. */
  readonly compiled: Mount;
  readonly signal: AbortSignal;
}

const processesAtMost = 2;
/** How long a process may take to end after its output has ended. */
const endingMs = 2_000;

/** One process, which serves one call. */
export class WaitingProcess {
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

  static async start(start: ProcessStart): Promise<WaitingProcess> {
    const folders = await makeFolders(start.scratchFolder);
    try {
      await mkdir(start.compiled.source, { recursive: true });
      return new WaitingProcess(folders, await open(start, folders));
    } catch (caught) {
      await rm(folders.root, { recursive: true, force: true });
      throw caught;
    }
  }

  /** Sends a line to the process and returns the lines of its answer. */
  ask(line: string): AsyncGenerator<string> {
    this.tell(line);
    return linesOf(this.#process.stdout);
  }

  /** Sends one more line, to a process that waits for it. */
  tell(line: string): void {
    this.#process.stdin.write(`${line}\n`);
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
    // A waiting process does not keep this process from exiting. Without `hold`, this process could exit before it sees
    // the other's end.
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
  { sandbox, program, compiled, lifetimeMs, signal }: ProcessStart,
  { given, made, spill }: ProcessFolders,
): Promise<SandboxedProcess> {
  const { memoryBytes, diskBytes, files } = program.limits;
  return sandbox.open({
    title: program.title,
    file: process.execPath,
    args: [
      ...program.nodeArguments,
      '--disable-warning=ExperimentalWarning',
      `--import=${new URL('start.mjs', import.meta.url).href}`,
      fileURLToPath(program.main),
      compiled.source,
    ],
    cwd: '/',
    env: { TZ: 'UTC', ...program.env },
    mounts: [
      ...mountsOfOwnProgram(),
      compiled,
      { source: given },
      { source: made, writable: true },
      { source: spill, writable: true },
    ],
    network: { kind: 'none' },
    limits: { timeoutMs: lifetimeMs, memoryBytes, processes: processesAtMost, diskBytes, files },
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
