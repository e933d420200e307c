import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isNodeLock, parsePackageLock } from '../../contracts/code/package-lock.ts';
import { parseRequirements } from '../../contracts/code/requirements.ts';

/**
 * Refuses a file of code.environment that no worker would install, before anything is uploaded. Workers check again, and
 * also where the packages come from. One that cannot be read is theirs to name.
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
