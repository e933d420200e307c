import { dirname, join } from 'node:path';
import { isOfSystem } from './starting/bubblewrap.ts';

/** PATH of the system's programs. */
export const systemPath = '/usr/local/bin:/usr/bin:/bin';

/**
 * Returns the paths to mount for a program that is installed in `prefix`: `bin` and the usual folders beside it. The
 * prefix itself is not mounted, because it can be someone's home folder.
 */
export function installationOf(prefix: string): string[] {
  if (prefix === '/' || isOfSystem(prefix)) return [];
  return ['bin', 'lib', 'lib64', 'libexec', 'include', 'share'].map((name) => join(prefix, name));
}

/** Returns the folder in which a program is installed, which is the parent of its `bin`. */
export function prefixOf(program: string): string {
  return dirname(dirname(program));
}
