import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Part } from './part.ts';
import { PartLog } from './part-log.ts';
import { identityOf } from '../processes/process-identity.ts';
import type { ProcessRegister } from '../processes/process-register.ts';
import { stopProcesses } from '../processes/stop-process.ts';

const firstAttempts = 4;
const shortestPauseMs = 250;
const longestPauseMs = 10_000;
/**
 * A part that dies within this time after its start adds to its count of consecutive deaths. From the third one on, the
 * log is shown.
 */
const steadyAfterMs = 60_000;
const loudAfterDeaths = 3;
const lookEveryMs = 40;
const lookAfterFilesEveryMs = 30_000;

/** Starts parts, restarts those that end unexpectedly, and stops all of them in order. */
export class Supervisor {
  readonly #register: ProcessRegister;
  readonly #logFolder: string;
  readonly #say: (sentence: string) => void;
  readonly #logs: PartLog[] = [];
  readonly #keeping: Promise<void>[] = [];
  readonly #stopping = new AbortController();
  readonly #lookingAfterFiles: NodeJS.Timeout;

  constructor(register: ProcessRegister, logFolder: string, say: (sentence: string) => void) {
    this.#register = register;
    this.#logFolder = logFolder;
    this.#say = say;
    this.#lookingAfterFiles = setInterval(() => {
      for (const log of this.#logs) log.bound();
      register.catchUp();
    }, lookAfterFilesEveryMs);
  }

  /**
   * Resolves when the part answers, and from then on restarts it whenever it ends. Rejects with `process-died` and the
   * end of its log if it never answers.
   */
  start(part: Part): Promise<void> {
    const log = new PartLog(this.#logFolder, part.name);
    this.#logs.push(log);
    return new Promise((resolve, reject) => {
      this.#keeping.push(this.#keep(part, log, resolve).catch(reject));
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#lookingAfterFiles);
    await stopProcesses(this.#register.all());
    await Promise.all(this.#keeping);
  }

  async #keep(part: Part, log: PartLog, onReady: () => void): Promise<void> {
    let everReady = false;
    let failedStarts = 0;
    for (let deaths = 0; !this.#isStopping();) {
      const begun = Date.now();
      let answered = false;
      const end = await this.#runOnce(part, log, () => {
        answered = true;
        if (everReady) this.#say(`${part.name} answers again`);
        everReady = true;
        onReady();
      });
      if (this.#isStopping()) break;
      deaths = Date.now() - begun > steadyAfterMs ? 1 : deaths + 1;
      if (!everReady && deaths >= firstAttempts) throw diedAtStart(part, log, end);
      // A part that answered before it died is restarted almost at once, however often it dies. One that dies during
      // its start waits longer each time.
      failedStarts = answered ? 0 : failedStarts + 1;
      const pauseMs = answered ? shortestPauseMs : Math.min(longestPauseMs, shortestPauseMs * 2 ** (failedStarts - 1));
      this.#say(
        `${part.name} ${end}; it restarts in ${pauseMs / 1000} s${answered && deaths < loudAfterDeaths ? '' : complaint(deaths, log)}`,
      );
      await pause(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
    // The start was given up because the stack stops, which is not a failure of the part.
    if (!everReady) throw new PerennialError('cancelled', `${part.name} was stopped before it answered`, {});
  }

  /** Runs the part from start to end. Returns how it ended, as a phrase. */
  async #runOnce(part: Part, log: PartLog, onReady: () => void): Promise<string> {
    let launched: { child: ChildProcess; ended: Promise<string> };
    try {
      launched = await this.#launch(part, log);
    } catch (caught) {
      return `could not be started: ${reasonOf(caught)}`;
    }
    const { child, ended } = launched;
    const over = new AbortController();
    void ended.then(() => over.abort());
    const ready = await answersWithin(part, over.signal);
    if (ready) onReady();
    else if (!over.signal.aborted && !this.#isStopping() && child.pid !== undefined) {
      killGroup(child.pid);
      return `did not answer within ${part.readyWithinMs / 1000} s (${await ended})`;
    }
    return ended;
  }

  async #launch(part: Part, log: PartLog): Promise<{ child: ChildProcess; ended: Promise<string> }> {
    const { file, args, env, cwd, user } = await part.command();
    this.#stopping.signal.throwIfAborted();
    const output = log.open();
    try {
      // Each part gets its own process group, so that Ctrl-C in a terminal reaches only the stack, which stops the
      // parts in order.
      const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', output, output], ...user });
      const ended = new Promise<string>((resolve, reject) => {
        child.once('error', reject);
        child.once('exit', (code, signal) => {
          if (child.pid !== undefined) {
            killGroup(child.pid);
            this.#register.forget(child.pid);
          }
          resolve(signal === null ? `ended with code ${code}` : `was ended by ${signal}`);
        });
      });
      const identity = child.pid === undefined ? undefined : identityOf(child.pid);
      if (child.pid === undefined || identity === undefined) return { child, ended: Promise.resolve(await ended) };
      const signal = part.stopSignal === 'SIGINT' ? 'SIGINT' : 'SIGTERM';
      this.#register.note({
        part: part.name,
        pid: child.pid,
        identity,
        signal,
        patienceMs: part.patienceMs,
        stage: part.stage,
      });
      return { child, ended };
    } finally {
      closeSync(output);
    }
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }
}

async function answersWithin(part: Part, over: AbortSignal): Promise<boolean> {
  for (const deadline = Date.now() + part.readyWithinMs; Date.now() < deadline;) {
    if (over.aborted) return false;
    if (await part.answers()) return !over.aborted;
    await pause(lookEveryMs, undefined, { signal: over }).catch(() => {});
  }
  return false;
}

/** Kills the processes that a part has started and left behind. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // No process is left in the group.
  }
}

function complaint(deaths: number, log: PartLog): string {
  return `\n  ${deaths > 1 ? `it has ended ${deaths} times in a row; ` : ''}the end of ${log.path}:\n${log.tail().replaceAll(/^/gm, '    ')}`;
}

function diedAtStart(part: Part, log: PartLog, end: string): PerennialError {
  return new PerennialError(
    'process-died',
    `${part.name} did not start: the last of ${firstAttempts} attempts ${end}; the end of ${log.path}:\n${log.tail()}`,
    { part: part.name, log: log.path },
  );
}
