import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface ChildOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

const keptCharacters = 4_000;

/** A child process of the test, of which the end of the output is kept. */
export class Child {
  readonly #child: ChildProcess;
  #said = '';

  constructor([file = '', ...args]: readonly string[], { env, cwd, user }: ChildOptions) {
    this.#child = spawn(file, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], ...user });
    this.#child.on('error', (caught) => (this.#said += String(caught)));
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (bytes: Buffer) => (this.#said = `${this.#said}${bytes.toString()}`.slice(-keptCharacters)));
  }

  get said(): string {
    return this.#said;
  }

  get isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Waits for the end of the process and returns 0, or a description of how it failed. */
  async ended(): Promise<0 | string> {
    if (this.isRunning) await once(this.#child, 'exit');
    const { exitCode, signalCode } = this.#child;
    return exitCode === 0 ? 0 : `ended with ${signalCode ?? exitCode}: ${this.#said}`;
  }

  /** Stops the process as Docker stops a container: sends the signal, then SIGKILL after the grace period. */
  async stop(signal: NodeJS.Signals, graceMs: number): Promise<0 | string> {
    if (this.isRunning) this.#child.kill(signal);
    const late = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    try {
      return await this.ended();
    } finally {
      clearTimeout(late);
    }
  }
}
