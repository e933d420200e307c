import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Membership, runningProcessesOf } from './process-group.ts';
import type { Breach, Limits } from '../sandbox.ts';

export interface Watched {
  readonly limits: Pick<Limits, 'memoryBytes' | 'processes' | 'diskBytes' | 'files'>;
  readonly membership: Membership;
  /** Number of processes that belong to the platform, such as bubblewrap. */
  readonly own: number;
  /** Folders that the command may write to. */
  readonly folders: readonly string[];
  /**
   * Returns whether the kernel has killed a process of the command because memory ran out. If null, memory is measured
   * here.
   */
  readonly ranOutOfMemory: (() => Promise<boolean>) | null;
}

const blockBytes = 512;
/** Number of files whose sizes are read at once. */
const batch = 64;

/**
 * Checks the limits repeatedly, with pauses, and reports the first breach once. Returns a function that stops the
 * checks.
 */
export function watchLimits(watched: Watched, pauseMs: number, onBreach: (breach: Breach) => void): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    // A check fails if something vanishes meanwhile. That is no breach, and the next check comes soon.
    const breach = await findBreach(watched).catch(() => null);
    if (stopped) return;
    if (breach !== null) onBreach(breach);
    else timer = setTimeout(() => void look(), pauseMs).unref();
  };
  timer = setTimeout(() => void look(), pauseMs).unref();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

async function findBreach(watched: Watched): Promise<Breach | null> {
  const { limits, membership, own, ranOutOfMemory } = watched;
  const pids = await runningProcessesOf(membership);
  if (pids.length - own > limits.processes)
    return { what: 'processes', found: pids.length - own, limit: limits.processes };
  const bytes = ranOutOfMemory === null ? await memoryOf(pids) : await limitIf(ranOutOfMemory, limits.memoryBytes);
  if (bytes > limits.memoryBytes) return { what: 'memory', found: bytes, limit: limits.memoryBytes };
  return findStoredBreach(watched);
}

async function limitIf(ranOutOfMemory: () => Promise<boolean>, limit: number): Promise<number> {
  return (await ranOutOfMemory()) ? limit + 1 : 0;
}

/**
 * Returns a breach of the limits on files and disk. Also used after the command has ended, because it may have written
 * since the last check.
 */
export async function findStoredBreach({
  limits,
  folders,
}: Pick<Watched, 'limits' | 'folders'>): Promise<Breach | null> {
  const { files, bytes } = await countWithin(folders, limits);
  if (files > limits.files) return { what: 'files', found: files, limit: limits.files };
  if (bytes > limits.diskBytes) return { what: 'disk', found: bytes, limit: limits.diskBytes };
  return null;
}

/** Counts files and bytes, and stops when a limit is passed. */
async function countWithin(
  roots: readonly string[],
  { files: filesAtMost, diskBytes }: Pick<Limits, 'files' | 'diskBytes'>,
): Promise<{ readonly files: number; readonly bytes: number }> {
  const folders = [...roots];
  let bytes = 0;
  let files = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const found: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => []);
    files += found.length;
    for (let at = 0; at < found.length; at += batch) {
      if (files > filesAtMost || bytes > diskBytes) return { files, bytes };
      const entries = found.slice(at, at + batch).map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }));
      for (const { entry, path } of entries) if (entry.isDirectory()) folders.push(path);
      const sizes = await Promise.all(entries.map(({ path }) => lstat(path).catch(() => null)));
      bytes += sizes.reduce((sum, size) => sum + (size?.blocks ?? 0) * blockBytes, 0);
    }
  }
  return { files, bytes };
}

/**
 * Returns the memory of all processes together. Shared memory counts once, divided among the processes that share it.
 * Files in memory that no process has mapped count too.
 */
async function memoryOf(pids: readonly number[]): Promise<number> {
  const mapped = await Promise.all(pids.map(proportionalBytes));
  const files = new Map((await Promise.all(pids.map(filesInMemory))).flat());
  return [...mapped, ...files.values()].reduce((sum, bytes) => sum + bytes, 0);
}

async function proportionalBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}

/** Returns inode and size of the process's files from memfd_create. */
async function filesInMemory(pid: number): Promise<[number, number][]> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const found = await Promise.all(
    descriptors.map(async (name): Promise<[number, number][]> => {
      const path = `/proc/${pid}/fd/${name}`;
      if (!(await readlink(path).catch(() => '')).startsWith('/memfd:')) return [];
      const file = await stat(path).catch(() => null);
      return file === null ? [] : [[file.ino, file.blocks * blockBytes]];
    }),
  );
  return found.flat();
}
