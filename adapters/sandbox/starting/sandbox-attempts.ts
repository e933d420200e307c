import { randomUUID } from 'node:crypto';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { attemptVariable, endProcesses } from '../supervision/process-group.ts';

/**
 * A new mark for one call (see `attemptVariable`). On Linux it names the process that makes the call, so that any other
 * can tell whether that process still lives: `pid namespace.process.start time.random`.
 */
export async function newAttempt(): Promise<string> {
  const owner = await ownerOf(process.pid);
  return owner === null ? randomUUID() : `${owner}.${randomUUID()}`;
}

/**
 * Ends what calls of killed processes left behind. bubblewrap ends with its parent, except where that is killed in the
 * instant in which bubblewrap starts.
 */
export async function endOrphans(): Promise<void> {
  if (process.platform !== 'linux') return;
  const namespace = await pidNamespace();
  if (namespace === null) return;
  for (const attempt of await attemptsInProcesses()) {
    const [, madeIn, pid] = /^(\d+)\.(\d+)\.\d+\./.exec(attempt) ?? [];
    // A process of another namespace, such as a container's, cannot be told apart from one that has ended.
    if (pid === undefined || madeIn !== namespace) continue;
    const owner = await ownerOf(Number(pid));
    if (owner === null || !attempt.startsWith(`${owner}.`))
      await endProcesses({ groupId: null, attempt, ancestor: null, controlGroups: [] });
  }
}

async function attemptsInProcesses(): Promise<ReadonlySet<string>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const prefix = `${attemptVariable}=`;
  const found = await Promise.all(
    pids.map(async (pid) => {
      // Empty for processes of other users, and for those that have ended.
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environment.split('\0').filter((entry) => entry.startsWith(prefix));
    }),
  );
  return new Set(found.flat().map((entry) => entry.slice(prefix.length)));
}

/** Null: no process has this id, or this is not Linux. */
async function ownerOf(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // proc(5): the state is field 3, after a name that may hold anything, and the start time is field 22.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTime = fields[22 - 3];
  const namespace = await pidNamespace();
  if (namespace === null || startTime === undefined || state === 'Z' || state === 'X') return null;
  return `${namespace}.${pid}.${startTime}`;
}

/** The id of this process's own namespace of process ids; null where the system does not show it. */
async function pidNamespace(): Promise<string | null> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '');
  return /\d+/.exec(link)?.[0] ?? null;
}
