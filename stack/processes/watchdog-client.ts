import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { WatchdogMessage } from './watchdog.ts';
import type { NotedProcess } from './stop-process.ts';

/**
 * Client of the watchdog, the process that stops the parts if this process is killed. The watchdog is restarted if it
 * ends early.
 */
export class Watchdog {
  readonly #watched = new Map<number, NotedProcess>();
  readonly #stackFile: string;
  readonly #onStart: (pid: number) => void;
  #child: ChildProcess | undefined;
  #ending = false;

  /** `onStart` gets the process id of each watchdog that is started. */
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

  /** Ends the watchdog. Call it when every part has been stopped. */
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
    // A session of its own, so that a signal to the stack's process group does not reach the watchdog.
    const child = spawn(process.execPath, [fileURLToPath(new URL('watchdog.ts', import.meta.url)), this.#stackFile], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#child = child;
    // A write may reach a watchdog that has just ended; its exit is handled below.
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
