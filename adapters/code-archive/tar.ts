import type { CodeArchive } from '../../ports/code-archive.ts';
import { usualCodeLimits } from '../../contracts/code/code-limits.ts';
import { packFolder } from './pack.ts';
import { unpackArchive } from './unpack.ts';

/**
 * Creates the code archive for canonical tar files. `pack.ts` defines the format, and `unpack.ts` defines what is
 * refused.
 */
export function createTarCodeArchive(limits = usualCodeLimits): CodeArchive {
  return {
    unpack: (archivePath, folder) => unpackArchive(archivePath, folder, limits),
    pack: (folder, archivePath) => packFolder(folder, archivePath, limits),
  };
}
