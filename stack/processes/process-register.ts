import { rmSync } from 'node:fs';
import { z } from 'zod';
import { identityOf } from './process-identity.ts';
import { type StateFolder, readStateFile, writeStateFile } from '../state-folder.ts';
import { type NotedProcess, hasEnded, stopProcesses } from './stop-process.ts';
import { Watchdog } from './watchdog-client.ts';

const Running = z.object({ pid: z.number().int().positive(), identity: z.string() });
const Noted = Running.extend({
  part: z.string(),
  signal: z.enum(['SIGINT', 'SIGTERM']),
  patienceMs: z.number(),
  stage: z.number(),
});
const Register = z.object({ schemaVersion: z.literal(1), watchdog: Running.optional(), parts: z.array(Noted) });

/**
 * Register of the processes that this stack runs, on disk and in its watchdog, so that they can be stopped if the stack
 * is killed.
 */
export class ProcessRegister {
  readonly #path: string;
  readonly #parts = new Map<number, z.infer<typeof Noted>>();
  readonly #watchdog: Watchdog;
  #watchdogProcess: z.infer<typeof Running> | undefined;
  #isBehind = false;

  constructor(folder: StateFolder) {
    this.#path = folder.processesFile;
    this.#watchdog = new Watchdog(folder.stackFile, (pid) => {
      const identity = identityOf(pid);
      this.#watchdogProcess = identity === undefined ? undefined : { pid, identity };
      this.#write();
    });
  }

  note(process: z.infer<typeof Noted>): void {
    this.#parts.set(process.pid, process);
    this.#watchdog.watch(process);
    this.#write();
  }

  forget(pid: number): void {
    this.#parts.delete(pid);
    this.#watchdog.forget(pid);
    this.#write();
  }

  all(): NotedProcess[] {
    return [...this.#parts.values()];
  }

  /** Ends the watchdog and removes the file. Call it when every part has been stopped. */
  async end(): Promise<void> {
    await this.#watchdog.end();
    rmSync(this.#path, { force: true });
  }

  /** Retries a write that failed because the disk was full. Called periodically. */
  catchUp(): void {
    if (this.#isBehind) this.#write();
  }

  /** Never throws: the watchdog has the same information, so parts can run without the file. */
  #write(): void {
    try {
      writeStateFile(this.#path, {
        schemaVersion: 1,
        watchdog: this.#watchdogProcess,
        parts: [...this.#parts.values()],
      });
      this.#isBehind = false;
    } catch {
      this.#isBehind = true;
    }
  }
}

const watchdogWithinMs = 60_000;

/**
 * Stops the processes that a killed stack has left, after waiting for that stack's own watchdog. Returns true if there
 * was anything to clean up.
 */
export async function stopLeftovers(folder: StateFolder): Promise<boolean> {
  const left = readStateFile(folder.processesFile, Register);
  if (left === undefined) return false;
  if (left.watchdog !== undefined) await hasEnded(left.watchdog, watchdogWithinMs);
  await stopProcesses(left.parts);
  rmSync(folder.processesFile, { force: true });
  rmSync(folder.stackFile, { force: true });
  return true;
}
