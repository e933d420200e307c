import { randomUUID } from 'node:crypto';
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
