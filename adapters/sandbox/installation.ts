import { access, constants, stat } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';

/** Where programs of the system lie. */
export const systemPath = '/usr/local/bin:/usr/bin:/bin';

/** Folders of the system that any program needs, and that hold nothing of anyone's. */
export const systemFolders = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64'] as const;

export async function findOnPath(name: string, path: string): Promise<string | null> {
  for (const candidate of pathsOf(name, path)) if (await isExecutable(candidate)) return candidate;
  return null;
}

export function pathsOf(name: string, path: string): string[] {
  return path.split(delimiter).flatMap((folder) => (isAbsolute(folder) ? [join(folder, name)] : []));
}

export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/**
 * What to show of the folder that a program is installed in: `bin` and the folders beside it that installations have,
 * not the whole, because someone's home folder can be one.
 */
export function installationOf(prefix: string): string[] {
  if (prefix === '/' || systemFolders.some((folder) => prefix === folder || prefix.startsWith(`${folder}/`))) return [];
  return ['bin', 'lib', 'lib64', 'libexec', 'include', 'share'].map((name) => join(prefix, name));
}

/** The folder that a program is installed in: above its `bin`. */
export function prefixOf(program: string): string {
  return dirname(dirname(program));
}
