import { access, constants, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';

/** Returns the first executable file of that name in the folders of a PATH, or null if there is none. */
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
