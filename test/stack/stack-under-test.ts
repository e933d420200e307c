import { until } from '../support/until.ts';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const main = fileURLToPath(new URL('../../stack/main.ts', import.meta.url));

const StackFile = z.object({
  pid: z.number(),
  state: z.enum(['starting', 'ready']),
  api: z.string(),
  gateway: z.string(),
  worker: z.string(),
  temporal: z.string(),
  temporalUi: z.string().nullable(),
});
const Register = z.object({
  watchdog: z.object({ pid: z.number() }),
  parts: z.array(z.object({ part: z.string(), pid: z.number() })),
});

/** A home folder in which stacks are started one after the other, as a user does over weeks. */
export class StackHome {
  readonly folder: string;
  readonly #started: RunningStack[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<StackHome> {
    return new StackHome(await mkdtemp(join(tmpdir(), 'perennial-home-')));
  }

  /** Starts a stack without waiting until it is ready. */
  start(environment: Record<string, string> = {}): RunningStack {
    const stack = new RunningStack(this.folder, environment);
    this.#started.push(stack);
    return stack;
  }

  /** Returns the stack that was started last. */
  running(): RunningStack {
    return this.#started.at(-1)!;
  }

  /** Stops the stacks that a test has left running, and removes the folder. */
  async remove(): Promise<void> {
    for (const stack of this.#started) await stack.end('SIGTERM');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  read(file: string): unknown {
    return JSON.parse(readFileSync(join(this.folder, file), 'utf8'));
  }

  has(file: string): boolean {
    return existsSync(join(this.folder, file));
  }

  addresses(): z.infer<typeof StackFile> {
    return StackFile.parse(this.read('stack.json'));
  }

  pidOf(part: string): number | undefined {
    return this.#register().parts.find((noted) => noted.part === part)?.pid;
  }

  parts(): string[] {
    return this.#register().parts.map(({ part }) => part);
  }

  /** Returns the process ids of the watchdog and of every part. */
  pids(): number[] {
    const { watchdog, parts } = this.#register();
    return [watchdog.pid, ...parts.map(({ pid }) => pid)];
  }

  key(role: 'admin' | 'operator' | 'approver'): string {
    return z.object({ [role]: z.string() }).parse(this.read('keys.json'))[role]!;
  }

  /** Returns the ids of running processes that have this home in their arguments or environment. */
  processes(): string[] {
    return readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        // A zombie process has neither.
        return ['cmdline', 'environ'].some((file) =>
          readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(this.folder),
        );
      } catch {
        return false;
      }
    });
  }

  #register(): z.infer<typeof Register> {
    return Register.parse(this.read('processes.json'));
  }
}

export class RunningStack {
  readonly child: ChildProcess;
  said = '';
  readonly #home: StackHome;

  constructor(folder: string, environment: Record<string, string>) {
    this.#home = new StackHome(folder);
    const ports = ['API', 'GATEWAY', 'WORKER', 'POSTGRES', 'TEMPORAL', 'TEMPORAL_UI'];
    this.child = spawn(process.execPath, [main], {
      env: {
        ...process.env,
        ...Object.fromEntries(ports.map((part) => [`PERENNIAL_${part}_PORT`, '0'])),
        PERENNIAL_HOME: folder,
        ...environment,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child.stderr?.on('data', (bytes: Buffer) => (this.said += bytes.toString()));
  }

  async isReady(): Promise<this> {
    await until(`the stack is ready: ${this.said}`, () => {
      if (this.child.exitCode !== null) throw new Error(`the stack ended before it was ready: ${this.said}`);
      return this.hasSaid('ready');
    });
    return this;
  }

  /** Returns whether stack.json reports this state for this process. A killed stack leaves its file behind. */
  hasSaid(state: 'starting' | 'ready'): boolean {
    if (!this.#home.has('stack.json')) return false;
    const file = this.#home.addresses();
    return file.pid === this.child.pid && file.state === state;
  }

  /** Sends a signal and waits for the end. Returns the exit code, or null if the signal itself ended the process. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill(signal);
      await ended;
    }
    return this.child.exitCode;
  }
}

export async function answers(url: string, key?: string): Promise<number> {
  try {
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    return (await fetch(url, { headers, signal: AbortSignal.timeout(3_000) })).status;
  } catch {
    return 0;
  }
}
