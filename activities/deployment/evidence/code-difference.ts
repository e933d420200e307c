import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileDifference } from '../../../contracts/serving/approval-evidence.ts';
import type { CodeVersion } from '../../../contracts/code/code-version.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { withWorkspace } from '../../steps/workspace.ts';
import { lineDifference } from './line-difference.ts';

/**
 * Bounds on what is shown, because a person reads it. Longer files are only named and can be read in their repository.
 */
const mostFiles = 200;
const mostLines = 400;
const mostBytes = 256 * 1024;

interface CodeDifference {
  readonly files: FileDifference[];
  /** Texts of the lock files; null if the code has none. */
  readonly lockBefore: string | null;
  readonly lock: string | null;
}

type Readers = Pick<ActivityDependencies, 'objectStore' | 'codeArchive' | 'scratchFolder'>;
type Code = Pick<CodeVersion, 'manifest'>;

interface Unpacked {
  readonly files: ReadonlyMap<string, string>;
  readonly lock: string | null;
}

/** Returns the file-by-file difference of two code versions. Without a previous version the difference is empty. */
export async function codeDifference(deps: Readers, before: Code | null, after: Code): Promise<CodeDifference> {
  const now = await unpacked(deps, after);
  const then = before === null ? now : await unpacked(deps, before);
  const paths = [...new Set([...then.files.keys(), ...now.files.keys()])].toSorted();
  const files = paths.flatMap((path) => fileDifference(path, then.files.get(path), now.files.get(path)));
  return { files: files.slice(0, mostFiles), lockBefore: then.lock, lock: now.lock };
}

function fileDifference(path: string, before: string | undefined, after: string | undefined): FileDifference[] {
  if (before === after) return [];
  const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
  if (isBinary(before) || isBinary(after)) return [{ path, change, lines: null }];
  return [{ path, change, lines: lineDifference(before ?? '', after ?? '', mostLines) }];
}

function isBinary(text: string | undefined): boolean {
  return text !== undefined && (text.includes('\0') || text.startsWith(unread));
}

/** Placeholder for the text of a file that is too long to be read. */
const unread = '\0';

async function unpacked(deps: Readers, code: Code): Promise<Unpacked> {
  return withWorkspace(deps.scratchFolder, 'evidence', async (folder) => {
    const { archive, environment } = code.manifest;
    const [archivePath, codeFolder] = [join(folder, 'code.tar'), join(folder, 'code')];
    await deps.objectStore.getFile(archive, archivePath);
    await deps.codeArchive.unpack(archivePath, codeFolder);
    const entries = await readdir(codeFolder, { withFileTypes: true, recursive: true });
    const files = new Map<string, string>();
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(codeFolder.length + 1), await textOf(path));
    }
    return { files, lock: environment === null ? null : await textOfLock(deps, environment, codeFolder) };
  });
}

/** Returns the text of the lock file or, if that file has no hashes, of the lock that it was resolved to. */
async function textOfLock(
  { objectStore }: Readers,
  { path, lock, resolvedFrom }: NonNullable<Code['manifest']['environment']>,
  codeFolder: string,
): Promise<string> {
  if (resolvedFrom === undefined) return readFile(join(codeFolder, path), 'utf8');
  return (await objectStore.read(lock)).toString('utf8');
}

async function textOf(path: string): Promise<string> {
  const { size } = await stat(path);
  return size > mostBytes ? `${unread}${size}` : readFile(path, 'utf8');
}
