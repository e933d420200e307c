import { randomUUID } from 'node:crypto';
import type { ReadStream, WriteStream } from 'node:fs';
import { createReadStream, createWriteStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Lends `use` an empty file to write and read. The file loses its name at once, so its bytes go with this process, also
 * when the process is killed.
 */
export async function withNamelessFile<Result>(use: (file: FileHandle) => Promise<Result>): Promise<Result> {
  const path = join(tmpdir(), `perennial-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await rm(path);
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Reads the file from its beginning. A stream of the handle itself would keep the handle from being closed. */
export function readStreamOf({ fd }: FileHandle): ReadStream {
  return createReadStream('', { fd, start: 0, autoClose: false });
}

/** Writes the empty file, and leaves the handle open. */
export function writeStreamOf({ fd }: FileHandle): WriteStream {
  return createWriteStream('', { fd, autoClose: false });
}
