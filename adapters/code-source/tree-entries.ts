import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { CodeLimits } from '../../contracts/code/code-limits.ts';
import { refuseLargeCode } from '../../contracts/code/code-limits.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { isGitFolder } from '../../contracts/code/git-source.ts';

export interface TreeEntry {
  readonly mode: string;
  readonly object: string;
  readonly bytes: number;
  readonly path: string;
}

const lfsPointer = 'version https://git-lfs.github.com/spec/';

/** Parses the output of `git ls-tree -r -l -z`. */
export function parseTree(listing: Buffer): TreeEntry[] {
  return listing
    .toString('utf8')
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const [, mode = '', object = '', size = '', path = ''] =
        /^(\d+) \w+ ([0-9a-f]+) +(\d+|-)\t(.*)$/s.exec(line) ?? [];
      return { mode, object, bytes: size === '-' ? 0 : Number(size), path };
    });
}

/**
 * Refuses a tree before any file is written: unsafe paths and symbolic links (`code-unusable`), or more than the code
 * limits allow (`too-large`).
 */
export function refuseUnusable(entries: readonly TreeEntry[], url: string, limits: CodeLimits): void {
  const leading = entries.find(({ path }) => leadsElsewhere(path));
  if (leading !== undefined)
    throw new PerennialError(
      'code-unusable',
      `${JSON.stringify(leading.path.slice(0, 200))} in ${url} is not the path of a plain file: on some systems it leads outside the folder, or it is too long; rename it`,
      { path: leading.path.slice(0, 1000) },
    );
  const link = entries.find(({ mode }) => mode === '120000');
  if (link !== undefined)
    throw new PerennialError(
      'code-unusable',
      `${link.path} in ${url} is a symbolic link, but code is stored as plain files; replace the link with a copy, or set code.git.path to a folder without it`,
      { path: link.path },
    );
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  refuseLargeCode(`the code in ${url}`, { bytes, files: entries.length }, limits);
}

function leadsElsewhere(path: string): boolean {
  if (path === '' || path.includes('\\') || path.includes('\ufffd') || Buffer.byteLength(path) > 4_000) return true;
  return path
    .split('/')
    .some((step) => step === '' || step === '.' || step === '..' || isGitFolder(step) || Buffer.byteLength(step) > 255);
}

/** Refuses Git LFS pointers (`code-unusable`): training would read the pointer in place of the file. */
export async function refuseLfsPointers(tree: string, entries: readonly TreeEntry[], url: string): Promise<void> {
  for (const { path, bytes } of entries) {
    if (bytes > 1_024 || bytes < lfsPointer.length) continue;
    const file = await open(join(tree, path), 'r');
    try {
      const start = Buffer.alloc(lfsPointer.length);
      await file.read(start, 0, start.length, 0);
      if (start.toString('latin1') !== lfsPointer) continue;
    } finally {
      await file.close();
    }
    throw new PerennialError(
      'code-unusable',
      `${path} in ${url} is a pointer of Git LFS, not the file itself; commit the file itself, or ingest it as data`,
      { path },
    );
  }
}
