import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
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

export function temporaryName(): string {
  return `${randomUUID()}.part`;
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
