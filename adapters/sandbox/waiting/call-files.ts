import { constants } from 'node:fs';
import { copyFile, link, lstat, rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { PerennialError } from '../../../contracts/errors.ts';

/**
 * Makes a file visible in a folder that a waiting process can only read: the process was started before the file was
 * known. Hard-links the file, or copies it if it cannot be linked, for example across file systems.
 */
export async function showFile(path: string, inside: string): Promise<void> {
  try {
    await link(path, inside);
  } catch (caught) {
    if (!(caught instanceof Error && 'code' in caught)) throw caught;
    if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'ENOSYS'].includes(String(caught.code))) throw caught;
    await copyFile(path, inside, constants.COPYFILE_FICLONE);
  }
}

/**
 * Moves an output file of a process, which must have ended. Anything but a regular file is refused: a symbolic link made
 * by the process could make its reader open any file of this machine.
 */
export async function takeFile(inside: string, path: string, title: string): Promise<void> {
  if (!(await lstat(inside)).isFile())
    throw new PerennialError('internal', `${title} did not write a regular file ${basename(path)}`, {});
  try {
    await rename(inside, path);
  } catch (caught) {
    if (!(caught instanceof Error && 'code' in caught && caught.code === 'EXDEV')) throw caught;
    await copyFile(inside, path);
    await rm(inside);
  }
}
