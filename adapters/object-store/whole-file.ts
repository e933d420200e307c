import { randomUUID } from 'node:crypto';
import { constants, copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { writeWhole } from '../../files/write-whole.ts';

/** Writes the stream completely or not at all, and creates missing folders. Returns the number of bytes written. */
export async function writeWholeStream(bytes: Readable, temporary: string, path: string): Promise<number> {
  await mkdir(dirname(temporary), { recursive: true });
  await mkdir(dirname(path), { recursive: true });
  return writeWhole(path, bytes, { draft: temporary });
}

/**
 * Writes the stream completely or not at all, like `writeWholeStream`, for working copies. They need not survive a power
 * failure, so nothing waits for the disk.
 */
export async function writeFetchedStream(bytes: Readable, temporary: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeWhole(path, bytes, { draft: temporary, flush: false });
}

/**
 * Copies a file completely or not at all, for working copies. `check` sees the whole copy before it has its name, and
 * throws if it must not get it.
 */
export async function copyFetched(
  source: string,
  { temporary, path }: { readonly temporary: string; readonly path: string },
  check: (copy: string) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await copyFile(source, temporary, constants.COPYFILE_FICLONE);
    await check(temporary);
    await rename(temporary, path);
  } catch (caught) {
    await rm(temporary, { force: true });
    throw caught;
  }
}

/**
 * Distinguishes this process from an earlier one with the same process id, which is common after a container restarts.
 */
const ownMark = randomUUID();

/** Returns a name that identifies the process that made the file, so that others can detect an abandoned file. */
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
