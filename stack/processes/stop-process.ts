import { setTimeout as pause } from 'node:timers/promises';
import { isSameProcess } from './process-identity.ts';

/** A process that this stack started, as it is noted for those who may have to stop it later. */
export interface NotedProcess {
  readonly part: string;
  readonly pid: number;
  readonly identity: string;
  readonly signal: NodeJS.Signals;
  /** How long it may take to end by itself before it is killed. */
  readonly patienceMs: number;
  /** Higher ones are stopped first. */
  readonly stage: number;
}

const lookEveryMs = 25;
const killWithinMs = 2_000;

/** Asks each to end, those of a higher stage first, and kills with its group what does not. Ended ones are passed over. */
export async function stopProcesses(processes: readonly NotedProcess[]): Promise<void> {
  const stages = [...new Set(processes.map(({ stage }) => stage))].sort((a, b) => b - a);
  for (const stage of stages) await Promise.all(processes.filter((noted) => noted.stage === stage).map(stopProcess));
}

async function stopProcess(noted: NotedProcess): Promise<void> {
  if (!isSameProcess(noted.pid, noted.identity)) return;
  signal(noted.pid, noted.signal);
  if (await hasEnded(noted, noted.patienceMs)) return;
  // Every part leads a group of its own.
  signal(-noted.pid, 'SIGKILL');
  await hasEnded(noted, killWithinMs);
}

/** Waits for the end of a process that need not be a child. */
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
    // It ended between the look and the signal.
  }
}
