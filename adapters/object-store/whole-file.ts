import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Writes the stream to `temporary`, synced to the disk, and only then gives it its name: a crash
 * leaves the whole file or none. Both paths must be on one file system. Returns the bytes written.
 */
export async function writeWhole(bytes: Readable, temporary: string, path: string): Promise<number> {
  await mkdir(dirname(temporary), { recursive: true });
  await mkdir(dirname(path), { recursive: true });
  try {
    const file = createWriteStream(temporary, { flags: 'wx', flush: true });
    await pipeline(bytes, file);
    await rename(temporary, path);
    await syncFolder(dirname(path));
    return file.bytesWritten;
  } catch (caught) {
    await rm(temporary, { force: true });
    throw caught;
  }
}

/** Tells this process from an earlier one with the same number, as containers have after each restart. */
const ownMark = randomUUID();

/** The name says which process made the file, so that others can detect an abandoned one. */
export function temporaryName(): string {
  return `${hostname()}~${process.pid}~${ownMark}-${randomUUID()}.part`;
}

/** Removes the partial files of killed processes on this machine. */
export async function removeAbandoned(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [host, pid = '', ...rest] = name.split('~');
    const [mark] = rest;
    if (host !== hostname() || mark === undefined || rest.length > 1 || !name.endsWith('.part')) continue;
    const isOwn = Number(pid) === process.pid;
    if (isOwn ? !mark.startsWith(ownMark) : !isAlive(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (caught) {
    // EPERM: the process exists and belongs to another user.
    return caught instanceof Error && 'code' in caught && caught.code === 'EPERM';
  }
}

/** A rename is durable only once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
