import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mount, Sandbox } from '../sandbox/sandbox.ts';
import { installationOf, prefixOf } from '../sandbox/installation.ts';
import type { ToolVariables } from './tool-environment.ts';
import { launcherEnvironment } from './tool-environment.ts';

const answerBytesAtMost = 1 << 20;
const limits = {
  timeoutMs: 20_000,
  memoryBytes: 2 ** 31,
  processes: 100,
  diskBytes: 2 ** 20,
  files: 100,
} as const;
const notShown = new Set(['proc', 'dev', 'sys', 'run', 'tmp']);

/**
 * Caches what the worker's own programs, such as its Python, report about themselves. A program is asked again when its
 * file has changed.
 */
export class AskedPrograms {
  readonly #sandbox: Sandbox;
  readonly #worker: ToolVariables;
  readonly #known = new Map<string, { readonly state: string; readonly said: string | null }>();

  constructor(sandbox: Sandbox, worker: ToolVariables) {
    this.#sandbox = sandbox;
    this.#worker = worker;
  }

  /** Returns what the program prints, or null if it fails. */
  async ask(program: string, args: readonly string[]): Promise<string | null> {
    const state = await stateOf(program);
    const known = this.#known.get(program);
    if (known?.state === state) return known.said;
    const said = await this.#start(program, args);
    this.#known.set(program, { state, said });
    return said;
  }

  forget(program: string): void {
    this.#known.delete(program);
  }

  /**
   * Starts the program. It may be a launcher that searches the machine for the real program, so it sees the whole
   * machine, read-only. No code of a user runs here.
   */
  async #start(program: string, args: readonly string[]): Promise<string | null> {
    // `open` and not `run`: this is not user code, and the supervisor that `run` starts would double the time.
    const asked = await this.#sandbox.open({
      title: program,
      file: program,
      args,
      cwd: '/',
      env: launcherEnvironment(this.#worker, this.#worker.PATH ?? ''),
      mounts: await wholeMachine(program),
      network: { kind: 'none' },
      limits,
      signal: new AbortController().signal,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    asked.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= answerBytesAtMost) chunks.push(chunk);
    });
    asked.stderr.resume();
    asked.stdin.end();
    const ending = await asked.ended;
    return ending.kind === 'exited' && ending.exitCode === 0 ? Buffer.concat(chunks).toString('utf8') : null;
  }
}

async function stateOf(program: string): Promise<string> {
  const found = await stat(program).catch(() => null);
  return found === null ? 'absent' : `${await realpath(program)} ${found.ino} ${found.size} ${found.mtimeMs}`;
}

async function wholeMachine(program: string): Promise<Mount[]> {
  const top = (await readdir('/', { withFileTypes: true })).filter(
    (entry) => entry.isDirectory() && !notShown.has(entry.name),
  );
  const own = [program, await realpath(program)].flatMap((path) => [path, ...installationOf(prefixOf(path))]);
  return readable([...top.map((entry) => join('/', entry.name)), ...own]);
}

/** Returns read-only mounts of the paths; a path that does not exist is skipped. */
export function readable(paths: readonly string[]): Mount[] {
  return [...new Set(paths)].map((source) => ({ source, optional: true }));
}
