import { join } from 'node:path';
import type { CodeVersion } from '../../contracts/code/code-version.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

/** Unpacks a CodeVersion and answers where it lies and where its lock is. */
export async function unpackCode(
  deps: ActivityDependencies,
  code: CodeVersion,
  folder: string,
): Promise<{ readonly codeFolder: string; readonly lockPath: string | null }> {
  const archive = join(folder, 'code.tar');
  await deps.objectStore.getFile(code.manifest.archive, archive);
  const codeFolder = join(folder, 'code');
  await deps.codeArchive.unpack(archive, codeFolder);
  const { environment } = code.manifest;
  if (environment === null) return { codeFolder, lockPath: null };
  if (environment.resolvedFrom === undefined) return { codeFolder, lockPath: join(codeFolder, environment.path) };
  const lockPath = join(folder, 'resolved.lock');
  await deps.objectStore.getFile(environment.lock, lockPath);
  return { codeFolder, lockPath };
}
