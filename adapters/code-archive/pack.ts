import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import type { CodeLimits } from '../../contracts/code/code-limits.ts';
import { refuseLargeCode } from '../../contracts/code/code-limits.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { writeWhole } from '../../files/write-whole.ts';

/** Names of caches, version control and installed packages, which are no part of the code. Skipped at any depth. */
const leftOut = new Set(['__pycache__', '.git', '.venv', 'node_modules']);

/**
 * Writes the canonical tar of a folder's regular files: sorted by the bytes of their paths, mode 0644 or 0755, no
 * owner, modification time 0. Empty folders and the names in `leftOut` are skipped. The same files give the same bytes.
 * The archive is written completely or not at all. Throws `archive-unsafe` for a link or a special file, and
 * `too-large` over the limits.
 */
export async function packFolder(folder: string, archivePath: string, limits: CodeLimits): Promise<void> {
  const paths = await filesOf(folder, limits);
  const archive = pack();
  const adding = addFiles(archive, folder, paths, limits);
  // If one of the two fails, so does the other. Once both have settled, the incomplete archive is removed.
  const [written, added] = await Promise.allSettled([writeWhole(archivePath, Readable.from(archive)), adding]);
  if (written.status === 'rejected') throw written.reason;
  if (added.status === 'rejected') throw added.reason;
}

async function filesOf(folder: string, limits: CodeLimits): Promise<string[]> {
  const found: string[] = [];
  const pending = [''];
  for (let within = pending.pop(); within !== undefined; within = pending.pop()) {
    for (const entry of await readdir(join(folder, within), { withFileTypes: true })) {
      if (leftOut.has(entry.name)) continue;
      const path = within === '' ? entry.name : `${within}/${entry.name}`;
      if (entry.isDirectory()) pending.push(path);
      else if (entry.isFile()) found.push(path);
      else
        throw new PerennialError(
          'archive-unsafe',
          `${path} is ${entry.isSymbolicLink() ? 'a symbolic link' : 'not a regular file'}, but code is stored as plain files; replace it with a copy`,
          { path },
        );
      refuseLargeCode(`the code in ${folder}`, { bytes: 0, files: found.length }, limits);
    }
  }
  return found.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

async function addFiles(archive: Pack, folder: string, paths: readonly string[], limits: CodeLimits): Promise<void> {
  try {
    let bytes = 0;
    for (const path of paths) {
      bytes += await addFile(archive, folder, path, limits);
      refuseLargeCode(`the code in ${folder}`, { bytes, files: paths.length }, limits);
    }
    archive.finalize();
  } catch (caught) {
    archive.destroy(caught instanceof Error ? caught : new Error(String(caught)));
    throw caught;
  }
}

async function addFile(archive: Pack, folder: string, path: string, limits: CodeLimits): Promise<number> {
  const file: FileHandle = await open(join(folder, path), 'r');
  try {
    const { size, mode } = await file.stat();
    if (size > limits.bytes) return size;
    const header = {
      name: path,
      size,
      mode: (mode & 0o100) === 0 ? 0o644 : 0o755,
      mtime: new Date(0),
      uid: 0,
      gid: 0,
      uname: '',
      gname: '',
      type: 'file' as const,
    };
    // Read no further than the size in the header: a file that grows meanwhile must not spill into the next entry.
    const body = size === 0 ? [] : createReadStream('', { fd: file, autoClose: false, end: size - 1 });
    await pipeline(body, archive.entry(header));
    return size;
  } finally {
    await file.close();
  }
}
