import { fileURLToPath } from 'node:url';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Mount, Sandbox } from '../sandbox.ts';
import { type CompiledCode, compiledCode } from './compiled-code.ts';
import { WaitingProcess } from './waiting-process.ts';
import type { WaitingProgram } from './waiting-program.ts';

export interface WaitingSettings {
  readonly sandbox: Sandbox;
  readonly program: WaitingProgram;
  /** Folder for the files of each call, and for compiled code if this process has no compile cache. */
  readonly scratchFolder: string;
  /** Most calls at the same time. Further calls wait. */
  readonly concurrency: number;
  /** Number of processes to keep waiting while calls come. */
  readonly spares: number;
  /** Missing spares are started this long after one was taken, so that their start does not compete with short calls. */
  readonly refillAfterMs: number;
}

interface Spare {
  readonly started: Promise<WaitingProcess | null>;
  readonly timer: NodeJS.Timeout;
}

/** How long a process waits for a call before it is stopped. */
const idleMs = 60_000;
/** Extra lifetime for starting a process, and for files that are handed over or fetched for it during its call. */
const slackMs = 600_000;

/**
 * Runs each call in its own process. Processes are started ahead, because starting one takes longer than most calls.
 * Each serves one call and ends with it, so that nothing of a call, such as code that malicious data planted, reaches
 * the next one. Processes also end with `close` and with this process.
 */
export class WaitingProcesses {
  readonly #settings: WaitingSettings;
  readonly #compiled: CompiledCode;
  readonly #running = new Set<WaitingProcess>();
  readonly #turns: (() => void)[] = [];
  readonly #closing = new AbortController();
  readonly #spares: Spare[] = [];
  #active = 0;
  #refill: NodeJS.Timeout | undefined;
  #filled: Promise<void> | undefined;

  constructor(settings: WaitingSettings) {
    const { name, sources } = settings.program;
    this.#settings = settings;
    this.#compiled = compiledCode(name, fileURLToPath(sources), settings.scratchFolder);
  }

  /** Starts the missing spares now, because calls will come soon. */
  prepare(): void {
    clearTimeout(this.#refill);
    this.#refill = undefined;
    while (this.#spares.length < this.#settings.spares && !this.#closing.signal.aborted) this.#startSpare();
  }

  /** Runs `work` with a process, which has ended when the call returns. */
  async call<Result>(work: (child: WaitingProcess) => Promise<Result>): Promise<Result> {
    await this.#turn();
    try {
      const child = await this.#take();
      try {
        return await work(child);
      } finally {
        await this.#discard(child);
      }
    } finally {
      this.#passTurn();
    }
  }

  /** Stops every process, including those that are serving a call, and waits until they have ended. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#refill);
    const spares = this.#spares.splice(0);
    for (const { timer } of spares) clearTimeout(timer);
    await Promise.all([...spares.map(({ started }) => started), this.#filled]);
    await Promise.all([...this.#running].map((child) => this.#discard(child)));
  }

  async #turn(): Promise<void> {
    if (this.#active < this.#settings.concurrency) this.#active += 1;
    else await new Promise<void>((resolve) => this.#turns.push(resolve));
  }

  /** Passes the turn directly to the next caller, so that one that arrives in between cannot exceed the bound. */
  #passTurn(): void {
    const next = this.#turns.shift();
    if (next === undefined) this.#active -= 1;
    else next();
  }

  async #take(): Promise<WaitingProcess> {
    const spare = this.#spares.shift();
    clearTimeout(spare?.timer);
    const { spares, refillAfterMs } = this.#settings;
    if (spares > 0 && !this.#closing.signal.aborted)
      this.#refill ??= setTimeout(() => this.prepare(), refillAfterMs).unref();
    const ahead = (await spare?.started) ?? null;
    const child = ahead === null || ahead.ended ? await this.#start() : ahead;
    child.hold(true);
    return child;
  }

  #startSpare(): void {
    // If a spare cannot be started, the next call starts a process itself and reports the reason.
    const started = this.#startAhead().catch(() => null);
    const spare: Spare = { started, timer: setTimeout(() => this.#drop(spare), idleMs).unref() };
    this.#spares.push(spare);
  }

  async #startAhead(): Promise<WaitingProcess> {
    await (this.#filled ??= this.#fill().catch(() => undefined));
    const child = await this.#start();
    child.hold(false);
    return child;
  }

  #drop(spare: Spare): void {
    const at = this.#spares.indexOf(spare);
    if (at === -1) return;
    this.#spares.splice(at, 1);
    void spare.started.then((child) => (child === null ? undefined : this.#discard(child)));
  }

  /** Starts a process without a call, once, to fill the compile cache. */
  async #fill(): Promise<void> {
    await this.#compiled.fill(async () => {
      const child = await this.#start({ source: this.#compiled.folder, writable: true });
      child.hold(false);
      await child.dismiss();
      await this.#discard(child);
    });
  }

  async #start(compiled: Mount = { source: this.#compiled.folder }): Promise<WaitingProcess> {
    const { signal } = this.#closing;
    const { sandbox, program, scratchFolder } = this.#settings;
    if (signal.aborted) throw new PerennialError('cancelled', `${program.title} has been closed`, {});
    const lifetimeMs = idleMs + program.limits.timeMs + slackMs;
    const child = await WaitingProcess.start({ sandbox, program, scratchFolder, lifetimeMs, compiled, signal });
    this.#running.add(child);
    return child;
  }

  async #discard(child: WaitingProcess): Promise<void> {
    await child.end().catch(() => undefined);
    await child.removeFolders();
    this.#running.delete(child);
  }
}
