import { createWriteStream, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';

type Content = string | Uint8Array | AsyncIterable<Uint8Array>;

export interface WholeFileOptions {
  /**
   * Path of the draft file, which must be on the same file system as the target. Defaults to a fixed name beside the
   * target, so that killed processes leave at most one draft behind. Concurrent writers each need their own draft.
   */
  readonly draft?: string;
  readonly mode?: number;
  /**
   * Whether to flush to the disk (default: true), so that the file survives a power failure. With false it survives
   * only the end of the process.
   */
  readonly flush?: boolean;
}

/**
 * Writes a file atomically: readers see either the old or the new content, and an error leaves the old content in
 * place. A symbolic link at `path` is replaced, not followed. Returns the number of bytes written.
 */
export async function writeWhole(
  path: string,
  content: Content,
  { draft = `${path}.part`, mode, flush = true }: WholeFileOptions = {},
): Promise<number> {
  try {
    const bytes = await writeDraft(draft, content, { mode, flush });
    await rename(draft, path);
    if (flush) await syncFolder(dirname(path));
    return bytes;
  } catch (caught) {
    await rm(draft, { force: true });
    throw caught;
  }
}

/**
 * Writes a file atomically, like `writeWhole`, but synchronously, for processes that are starting or ending. Does not
 * sync the folder.
 */
export function writeWholeSync(
  path: string,
  content: string,
  { draft = `${path}.part`, mode, flush = true }: WholeFileOptions = {},
): void {
  try {
    writeFileSync(draft, content, { mode, flush });
    renameSync(draft, path);
  } catch (caught) {
    rmSync(draft, { force: true });
    throw caught;
  }
}

async function writeDraft(
  draft: string,
  content: Content,
  options: { mode: number | undefined; flush: boolean },
): Promise<number> {
  if (typeof content === 'string' || content instanceof Uint8Array) {
    await writeFile(draft, content, options);
    return Buffer.byteLength(content);
  }
  const file = createWriteStream(draft, options);
  await pipeline(content, file);
  return file.bytesWritten;
}

/** Flushes the folder, because a rename is durable only once the folder has been flushed. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
