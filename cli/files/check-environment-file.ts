import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isNodeLock, parsePackageLock } from '../../contracts/code/package-lock.ts';
import { parseRequirements } from '../../contracts/code/requirements.ts';

/**
 * Refuses, before anything is uploaded, a `code.environment` file that no worker would install. Workers check it again,
 * including where the packages come from. A file that cannot be read is left to the workers to report.
 */
export async function checkEnvironmentFile(codeFolder: string, path: string | undefined): Promise<void> {
  if (path === undefined) return;
  const file = join(codeFolder, path);
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return;
  if (!isNodeLock(path)) return void parseRequirements(text, basename(path));
  const manifest = await readFile(join(dirname(file), 'package.json'), 'utf8').catch(() => null);
  if (manifest !== null) parsePackageLock(text, manifest);
}
