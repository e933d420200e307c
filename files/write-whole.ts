import { createWriteStream, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';

type Content = string | Uint8Array | AsyncIterable<Uint8Array>;

export interface WholeFileOptions {
  /**
   * Where the content is written first, on the same file system. By default beside the file and under the same name each
   * time, so that killed processes leave one draft and not many. Writers at the same moment need a draft each.
   */
  readonly draft?: string;
  readonly mode?: number;
  /** By default true: the file survives a power failure. With false it survives only the end of the process. */
  readonly flush?: boolean;
}

/**
 * Writes a file whole or not at all: readers find the old content or the new one, and an error leaves the old one. A link
 * at `path` is replaced, not followed. Returns the bytes written.
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

/** As `writeWhole`, for processes that start or end. The folder is not synced. */
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

/** A rename is durable only once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
