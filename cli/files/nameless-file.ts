import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Passes an empty file to `use` for writing and reading. Its name is removed at once, so that its bytes are freed when
 * this process ends, even if it is killed.
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
