import { dirname, join } from 'node:path';
import { isOfSystem } from './starting/bubblewrap.ts';

/** Where programs of the system lie. */
export const systemPath = '/usr/local/bin:/usr/bin:/bin';

/**
 * What to show of the folder that a program is installed in: `bin` and the folders beside it that installations have,
 * not the whole, because someone's home folder can be one.
 */
export function installationOf(prefix: string): string[] {
  if (prefix === '/' || isOfSystem(prefix)) return [];
  return ['bin', 'lib', 'lib64', 'libexec', 'include', 'share'].map((name) => join(prefix, name));
}

/** The folder that a program is installed in: above its `bin`. */
export function prefixOf(program: string): string {
  return dirname(dirname(program));
}
