import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface Made {
  readonly isUsable: (folder: string) => Promise<boolean>;
  /** Makes the content in the folder `making`, so that it works under the path `final`. */
  readonly make: (making: string, final: string) => Promise<void>;
}

/**
 * Makes a folder once: first in the work folder of this process, then renamed to its final name when complete. A folder
 * with the final name is therefore complete, and two concurrent makers only waste time.
 */
export async function madeOnce(final: string, workFolder: string, { isUsable, make }: Made): Promise<string> {
  if (await isUsable(final)) return final;
  await mkdir(dirname(final), { recursive: true });
  return inPassing(workFolder, async (passing) => {
    const making = join(passing, 'made');
    await make(making, final);
    await takePlace(making, final, passing, isUsable);
    return final;
  });
}

/**
 * Provides a temporary folder while `use` runs. The next start of a worker removes a folder that a killed worker left.
 */
export async function inPassing<Result>(workFolder: string, use: (folder: string) => Promise<Result>): Promise<Result> {
  await mkdir(workFolder, { recursive: true });
  const folder = await mkdtemp(join(workFolder, 'making-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function takePlace(making: string, final: string, passing: string, isUsable: Made['isUsable']): Promise<void> {
  try {
    await rename(making, final);
  } catch (caught) {
    // Another maker was first, or a broken folder has the final name.
    if (await isUsable(final)) return;
    await rename(final, join(passing, 'broken')).catch(() => {
      throw caught;
    });
    await rename(making, final);
  }
}
