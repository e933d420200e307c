import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { processesOf } from './process-group.ts';

export interface WatchedLimits {
  readonly processes: number;
  /** Processes that are the platform's own, such as the sandbox's. */
  readonly own: number;
  readonly diskBytes: number;
  readonly folders: readonly string[];
}

export interface Breach {
  readonly what: 'processes' | 'disk';
  readonly found: number;
  readonly limit: number;
}

const pauseMs = 300;
/** Each is a block at least; a folder of more of them is not walked to its end. */
const entriesAtMost = 200_000;
const blockBytes = 512;

/** Looks again and again at what one call started and wrote, and tells the first breach, once. Answers how to stop looking. */
export function watchLimits(limits: WatchedLimits, attempt: string, onBreach: (breach: Breach) => void): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    // What vanishes while it is looked at is no breach; the next look comes soon.
    const breach = await findBreach(limits, attempt).catch(() => null);
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

async function findBreach(limits: WatchedLimits, attempt: string): Promise<Breach | null> {
  const processes = (await processesOf(null, attempt)).length - limits.own;
  if (processes > limits.processes) return { what: 'processes', found: processes, limit: limits.processes };
  const bytes = await bytesWithin(limits.folders, limits.diskBytes);
  if (bytes > limits.diskBytes) return { what: 'disk', found: bytes, limit: limits.diskBytes };
  return null;
}

/** Stops counting where the bound is passed. */
async function bytesWithin(roots: readonly string[], bound: number): Promise<number> {
  const folders = [...roots];
  let bytes = 0;
  let entries = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const found: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of found) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      const stat = await lstat(path).catch(() => null);
      bytes += (stat?.blocks ?? 0) * blockBytes;
      if ((entries += 1) > entriesAtMost) return Number.POSITIVE_INFINITY;
      if (bytes > bound) return bytes;
    }
  }
  return bytes;
}
