import { PerennialError } from '../../contracts/errors.ts';

export interface EntryPaths {
  /**
   * Records the path. Throws `archive-unsafe` if a file already has this path, if the entry is a file and a folder has
   * the path, or if a parent is a file.
   */
  claim(path: string, kind: 'file' | 'directory'): void;
}

/** Creates a record of one archive's paths. Letter case is ignored, because some file systems ignore it. */
export function createEntryPaths(): EntryPaths {
  const files = new Set<string>();
  const folders = new Set<string>();
  return {
    claim(path, kind) {
      const name = path.normalize('NFC').toLowerCase();
      for (const folder of foldersOf(name)) {
        if (files.has(folder)) throw unsafe(path, 'is inside another entry, which is a file');
        folders.add(folder);
      }
      if (files.has(name) || (kind === 'file' && folders.has(name))) throw unsafe(path, 'occurs twice');
      (kind === 'file' ? files : folders).add(name);
    },
  };
}

/**
 * Returns the entry's path inside the folder, separated by `/`. Throws `archive-unsafe` for a path that could lead
 * elsewhere.
 */
export function entryPath(name: string, kind: 'file' | 'directory'): string {
  if (name.includes('\0')) throw unsafe(name, 'has a NUL in its name');
  if (name.includes('\\')) throw unsafe(name, 'has a backslash in its name');
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) throw unsafe(name, 'is an absolute path');
  const trimmed = name.replace(/^(\.\/)+/, '').replace(/\/$/, '');
  // `tar -C folder -c .` writes the folder itself as the first entry.
  if (kind === 'directory' && (trimmed === '' || trimmed === '.')) return '.';
  const parts = trimmed.split('/');
  if (parts.includes('..')) throw unsafe(name, 'leaves the folder');
  if (parts.some((part) => part === '' || part === '.'))
    throw unsafe(name, 'has an empty part or the part "." in its path');
  if (parts.some((part) => Buffer.byteLength(part) > 255) || Buffer.byteLength(trimmed) > 4000)
    throw unsafe(name.slice(0, 100), 'has a name that is too long');
  return trimmed;
}

function* foldersOf(path: string): Generator<string> {
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) yield path.slice(0, at);
}

function unsafe(path: string, reason: string): PerennialError {
  return new PerennialError(
    'archive-unsafe',
    `the code archive's entry ${JSON.stringify(path)} ${reason}; make the archive from a plain folder, for example with \`perennial code snapshot\``,
    { path },
  );
}
