import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

/**
 * In the environment of everything that one call starts: what leaves the group by setsid still carries it. A process
 * that rewrites its own environment as well escapes; only the sandbox's process namespace holds that one.
 */
export const attemptVariable = 'PERENNIAL_ATTEMPT';

const pauseMs = 20;
const roundsAtMost = 200;

/**
 * Kills the group and whatever carries the attempt's mark, until a look finds nothing alive: what forks while it is
 * being killed is met by the next look. Answers whether all are gone.
 */
export async function endProcessGroup(groupId: number | null, attempt: string): Promise<boolean> {
  for (let round = 0; round < roundsAtMost; round += 1) {
    const alive = await processesOf(groupId, attempt);
    if (alive.length === 0) return true;
    for (const pid of alive) kill(pid);
    await wait(pauseMs);
  }
  return false;
}

/** The living processes of the group, and those that carry the attempt's mark. */
export async function processesOf(groupId: number | null, attempt: string): Promise<number[]> {
  return process.platform === 'linux' ? fromProc(groupId, attempt) : fromPs(groupId, attempt);
}

async function fromProc(groupId: number | null, attempt: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const belongs = await Promise.all(pids.map((pid) => isAliveMember(pid, groupId, attempt)));
  return pids.filter((_, at) => belongs[at] === true);
}

async function isAliveMember(pid: number, groupId: number | null, attempt: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // proc(5): `pid (comm) state ppid pgrp …`, where comm may hold anything.
  const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (group === undefined || state === 'Z' || state === 'X') return false;
  if (groupId !== null && Number(group) === groupId) return true;
  // Another user's environment cannot be read; that process is none of ours.
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return environment.split('\0').includes(`${attemptVariable}=${attempt}`);
}

/** macOS: `-E` shows the environment of this user's processes, the system's own programs excepted. */
async function fromPs(groupId: number | null, attempt: string): Promise<number[]> {
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
    // It has ended since the look.
  }
}
