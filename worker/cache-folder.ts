import { join, resolve } from 'node:path';
import type { Settings } from '../contracts/settings/settings.ts';

/**
 * Returns the folder in which training environments and workflow bundles are cached. They are rebuilt if they are lost.
 */
export function cacheFolderOf(settings: Pick<Settings, 'PERENNIAL_CACHE' | 'PERENNIAL_HOME'>): string {
  return resolve(settings.PERENNIAL_CACHE ?? join(settings.PERENNIAL_HOME, 'cache'));
}
