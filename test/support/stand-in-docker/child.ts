import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface ChildOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

const keptCharacters = 4_000;

/** A process of the test's own; its last words are kept. */
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

  /** How it ended: 0, or words. */
  async ended(): Promise<0 | string> {
    if (this.isRunning) await once(this.#child, 'exit');
    const { exitCode, signalCode } = this.#child;
    return exitCode === 0 ? 0 : `ended with ${signalCode ?? exitCode}: ${this.#said}`;
  }

  /** As Docker stops a container: asked, and killed when it has not ended within its grace. */
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
