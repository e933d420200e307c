import { join } from 'node:path';
import type { JobCode } from '../../../contracts/models/training-job.ts';
import type { CodeArchive } from '../../../ports/code-archive.ts';
import type { BlobReader } from '../../../ports/object-store.ts';

export interface CodeReaders {
  readonly objectStore: BlobReader;
  readonly codeArchive: CodeArchive;
}

/** Unpacks the code into a folder. Returns the paths of the code and of its lock, which may be a blob of its own. */
export async function unpackCode(
  { objectStore, codeArchive }: CodeReaders,
  { archive, environment }: JobCode,
  folder: string,
): Promise<{ readonly codeFolder: string; readonly lockPath: string | null }> {
  const archivePath = join(folder, 'code.tar');
  await objectStore.getFile(archive, archivePath);
  const codeFolder = join(folder, 'code');
  await codeArchive.unpack(archivePath, codeFolder);
  if (environment === null) return { codeFolder, lockPath: null };
  if (environment.resolvedFrom === undefined) return { codeFolder, lockPath: join(codeFolder, environment.path) };
  const lockPath = join(folder, 'resolved.lock');
  await objectStore.getFile(environment.lock, lockPath);
  return { codeFolder, lockPath };
}
