import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { WatchdogMessage } from './watchdog.ts';
import type { NotedProcess } from './stop-process.ts';

/** The process that stops the others if this one is killed. It is started again if it ends first. */
export class Watchdog {
  readonly #watched = new Map<number, NotedProcess>();
  readonly #stackFile: string;
  readonly #onStart: (pid: number) => void;
  #child: ChildProcess | undefined;
  #ending = false;

  /** `onStart` is told the number of each process that does the watching. */
  constructor(stackFile: string, onStart: (pid: number) => void) {
    this.#stackFile = stackFile;
    this.#onStart = onStart;
    this.#start();
  }

  watch(process: NotedProcess): void {
    this.#watched.set(process.pid, process);
    this.#send({ type: 'watch', process });
  }

  forget(pid: number): void {
    this.#watched.delete(pid);
    this.#send({ type: 'forget', pid });
  }

  /** All is stopped in good order; there is nothing left to do for it. */
  async end(): Promise<void> {
    this.#ending = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    this.#send({ type: 'goodbye' });
    child.stdin?.end();
    await ended;
  }

  #start(): void {
    // A session of its own: a signal to the stack's group does not reach it.
    const child = spawn(process.execPath, [fileURLToPath(new URL('watchdog.ts', import.meta.url)), this.#stackFile], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#child = child;
    // A write to one that has just ended; its end is handled below.
    child.stdin?.on('error', () => {});
    child.once('exit', () => {
      if (!this.#ending) setTimeout(() => this.#ending || this.#start(), 1_000);
    });
    if (child.pid !== undefined) this.#onStart(child.pid);
    for (const process of this.#watched.values()) this.#send({ type: 'watch', process });
  }

  #send(message: WatchdogMessage): void {
    this.#child?.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}
