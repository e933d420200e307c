import { setTimeout as pause } from 'node:timers/promises';
import { isSameProcess } from './process-identity.ts';

/** A process that this stack started, as it is recorded for those who may have to stop it later. */
export interface NotedProcess {
  readonly part: string;
  readonly pid: number;
  readonly identity: string;
  readonly signal: NodeJS.Signals;
  /** How long the process may take to end by itself before it is killed. */
  readonly patienceMs: number;
  /** Processes of a higher stage are stopped first. */
  readonly stage: number;
}

const lookEveryMs = 25;
const killWithinMs = 2_000;

/**
 * Asks each process to end, higher stages first, and kills those that do not end, together with their process groups.
 * Processes that have already ended are skipped.
 */
export async function stopProcesses(processes: readonly NotedProcess[]): Promise<void> {
  const stages = [...new Set(processes.map(({ stage }) => stage))].sort((a, b) => b - a);
  for (const stage of stages) await Promise.all(processes.filter((noted) => noted.stage === stage).map(stopProcess));
}

async function stopProcess(noted: NotedProcess): Promise<void> {
  if (!isSameProcess(noted.pid, noted.identity)) return;
  signal(noted.pid, noted.signal);
  if (await hasEnded(noted, noted.patienceMs)) return;
  // Every part leads its own process group.
  signal(-noted.pid, 'SIGKILL');
  await hasEnded(noted, killWithinMs);
}

/** Waits for the end of a process, which need not be a child of this one. Returns false if it has not ended in time. */
export async function hasEnded(
  { pid, identity }: Pick<NotedProcess, 'pid' | 'identity'>,
  withinMs: number,
): Promise<boolean> {
  for (const deadline = Date.now() + withinMs; ; await pause(lookEveryMs)) {
    if (!isSameProcess(pid, identity)) return true;
    if (Date.now() >= deadline) return false;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // The process ended between the check and the signal.
  }
}
