import { randomUUID } from 'node:crypto';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { attemptVariable, endProcesses } from '../supervision/process-group.ts';

/**
 * Returns a new mark for one call (see `attemptVariable`). On Linux the mark names the calling process, so that another
 * process can check whether the caller still lives: `pid namespace.process.start time.random`.
 */
export async function newAttempt(): Promise<string> {
  const owner = await ownerOf(process.pid);
  return owner === null ? randomUUID() : `${owner}.${randomUUID()}`;
}

/**
 * Ends processes that calls of killed processes left behind. bubblewrap ends with its parent, unless the parent is
 * killed while bubblewrap starts.
 */
export async function endOrphans(): Promise<void> {
  if (process.platform !== 'linux') return;
  const namespace = await pidNamespace();
  if (namespace === null) return;
  for (const attempt of await attemptsInProcesses()) {
    const [, madeIn, pid] = /^(\d+)\.(\d+)\.\d+\./.exec(attempt) ?? [];
    // A live process of another namespace, such as a container's, looks like one that has ended.
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
      // The text is empty for processes of other users and for processes that have ended.
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environment.split('\0').filter((entry) => entry.startsWith(prefix));
    }),
  );
  return new Set(found.flat().map((entry) => entry.slice(prefix.length)));
}

/** Returns null if no process has this id, or if this is not Linux. */
async function ownerOf(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // proc(5): the state is field 3, after a name that may contain any character, and the start time is field 22.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTime = fields[22 - 3];
  const namespace = await pidNamespace();
  if (namespace === null || startTime === undefined || state === 'Z' || state === 'X') return null;
  return `${namespace}.${pid}.${startTime}`;
}

/** Returns the id of this process's own pid namespace, or null if the system does not show it. */
async function pidNamespace(): Promise<string | null> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '');
  return /\d+/.exec(link)?.[0] ?? null;
}
