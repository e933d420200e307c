import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface Made {
  readonly isUsable: (folder: string) => Promise<boolean>;
  /** Makes it under the first name, ready to be found under the second. */
  readonly make: (making: string, final: string) => Promise<void>;
}

/**
 * A folder that is made once, in the work folder of this process, and moved to its name when all is there. So a folder of
 * the final name is whole, and two makers at once cost time and nothing else.
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

/** A folder that lasts as long as `use` takes. The next start of a worker removes one that a killed worker has left. */
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
    // Another maker was first, or a broken one lies there.
    if (await isUsable(final)) return;
    await rename(final, join(passing, 'broken')).catch(() => {
      throw caught;
    });
    await rename(making, final);
  }
}
