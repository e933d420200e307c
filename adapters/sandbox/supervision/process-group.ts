import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

/**
 * Variable that marks the environment of everything that one call starts. A process that leaves the process group by
 * setsid still has it. A process that also clears its environment is found by its control group or by its parents.
 */
export const attemptVariable = 'PERENNIAL_ATTEMPT';

/** How the processes of one call are recognised. One match is enough. */
export interface Membership {
  readonly groupId: number | null;
  readonly attempt: string;
  /** Every descendant of this process belongs to the call. If null, parents are not checked. */
  readonly ancestor: number | null;
  /** Files that list process ids, one per line. */
  readonly controlGroups: readonly string[];
}

const pauseMs = 20;
const roundsAtMost = 200;

/**
 * Kills every process of the call, in rounds, until none is found alive, so that a process that forks while it is
 * killed is found in the next round. Returns whether all have ended.
 */
export async function endProcesses(membership: Membership): Promise<boolean> {
  for (let round = 0; round < roundsAtMost; round += 1) {
    const alive = await processesOf(membership);
    if (alive.length === 0) return true;
    for (const pid of alive) kill(pid);
    await wait(pauseMs);
  }
  return false;
}

/** Returns the ids of the living processes of the call. */
export async function processesOf(membership: Membership): Promise<number[]> {
  return process.platform === 'linux' ? fromProc(membership) : fromPs(membership);
}

/**
 * Returns the ids of the processes for limit checks, which are frequent. If control groups list the processes, only
 * those lists are read, at a hundredth of the cost. To end a call use `processesOf`, which also finds a process that
 * has not joined its group yet.
 */
export async function runningProcessesOf(membership: Membership): Promise<readonly number[]> {
  const { controlGroups } = membership;
  return controlGroups.length === 0 ? processesOf(membership) : [...(await listedIn(controlGroups))];
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

async function fromProc({ groupId, attempt, ancestor, controlGroups }: Membership): Promise<number[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = (await Promise.all(names.map(readStat))).filter((stat) => stat !== null);
  const listed = await listedIn(controlGroups);
  const members = new Set(stats.flatMap(({ pid, group }) => (group === groupId || listed.has(pid) ? [pid] : [])));
  await Promise.all(
    stats.map(async ({ pid }) => {
      if (!members.has(pid) && (await carriesMark(pid, attempt))) members.add(pid);
    }),
  );
  if (ancestor !== null) for (const pid of descendantsOf(ancestor, stats)) members.add(pid);
  return [...members];
}

async function listedIn(controlGroups: readonly string[]): Promise<ReadonlySet<number>> {
  const lists = await Promise.all(controlGroups.map((file) => readFile(file, 'utf8').catch(() => '')));
  return new Set(lists.flatMap((list) => list.split('\n').flatMap((line) => (line === '' ? [] : [Number(line)]))));
}

/** Returns null for a process that has ended or is a zombie. */
async function readStat(name: string): Promise<Stat | null> {
  const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
  // proc(5): `pid (comm) state ppid pgrp …`, where comm may contain any character.
  const [state, parent, group] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (group === undefined || state === 'Z' || state === 'X') return null;
  return { pid: Number(name), parent: Number(parent), group: Number(group) };
}

async function carriesMark(pid: number, attempt: string): Promise<boolean> {
  // Another user's environment cannot be read; such a process is not part of the call.
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return environment.split('\0').includes(`${attemptVariable}=${attempt}`);
}

function descendantsOf(ancestor: number, stats: readonly Stat[]): number[] {
  const children = Map.groupBy(stats, ({ parent }) => parent);
  const found: number[] = [];
  const open = [ancestor];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop())
    for (const child of children.get(pid) ?? []) {
      found.push(child.pid);
      open.push(child.pid);
    }
  return found;
}

/** On macOS, `-E` shows the environment of this user's processes, except of the system's own programs. */
async function fromPs({ groupId, attempt }: Membership): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-E', '-ww', '-o', 'pid=,pgid=,stat=,command='], {
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    maxBuffer: 64 * 2 ** 20,
  });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, group, state] = /^\s*(\d+)\s+(\d+)\s+(\S+)/.exec(line) ?? [];
    if (pid === undefined || state === undefined || state.startsWith('Z')) return [];
    const belongs = Number(group) === groupId || line.includes(`${attemptVariable}=${attempt}`);
    return belongs ? [Number(pid)] : [];
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The process has ended since it was found.
  }
}
