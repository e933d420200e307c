import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fullBelowBytes } from '../../contracts/disk-full.ts';

/** Whether the disk of the folder is full. If the folder does not exist yet, looks at the disk that it would be on. */
export async function isDiskFull(folder: string): Promise<boolean> {
  try {
    const { bavail, bsize, files, ffree } = await statfs(folder);
    return bavail * bsize < fullBelowBytes || (files > 0 && ffree === 0);
  } catch (caught) {
    const isAbsent = caught instanceof Error && 'code' in caught && caught.code === 'ENOENT';
    return isAbsent && dirname(folder) !== folder && (await isDiskFull(dirname(folder)));
  }
}
