import { statfs } from 'node:fs/promises';
import { diskFullSentence, fullBelowBytes } from '../../contracts/disk-full.ts';
import type { DiskSpace } from '../../ports/disk-space.ts';

/** Creates a check that reports when the disk that holds the folder is full. */
export function createDiskSpace(folder: string): DiskSpace {
  return {
    async complaint() {
      const { bavail, bsize, files, ffree } = await statfs(folder);
      const full = bavail * bsize < fullBelowBytes || (files > 0 && ffree === 0);
      return full ? diskFullSentence(folder) : undefined;
    },
  };
}
