import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const makingPrefix = '.making-';
/** No step takes as long; what is older was left by a worker that was killed. */
const abandonedAfterMs = 24 * 3_600_000;

export interface Made {
  readonly isUsable: (folder: string) => Promise<boolean>;
  /** Makes it under the first name, ready to be found under the second. */
  readonly make: (making: string, final: string) => Promise<void>;
}

/**
 * A folder that is made once, under a temporary name that is changed to the final one when all is there. So a folder of
 * the final name is whole, and two makers at once cost time and nothing else.
 */
export async function madeOnce(final: string, { isUsable, make }: Made): Promise<string> {
  if (await isUsable(final)) return final;
  const parent = dirname(final);
  await mkdir(parent, { recursive: true });
  await removeAbandoned(parent);
  const making = join(parent, `${makingPrefix}${randomUUID()}`);
  try {
    await make(making, final);
    await takePlace(making, final, isUsable);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return final;
}

/** A folder that lasts as long as `use` takes; one that a killed worker has left is removed later. */
export async function inPassing<Result>(parent: string, use: (folder: string) => Promise<Result>): Promise<Result> {
  await mkdir(parent, { recursive: true });
  await removeAbandoned(parent);
  const folder = await mkdtemp(join(parent, makingPrefix));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function takePlace(making: string, final: string, isUsable: Made['isUsable']): Promise<void> {
  try {
    await rename(making, final);
  } catch (caught) {
    // Another maker was first, or a broken one lies there.
    if (await isUsable(final)) return;
    const broken = join(dirname(final), `${makingPrefix}${randomUUID()}`);
    await rename(final, broken).catch(() => {
      throw caught;
    });
    await rename(making, final);
    await rm(broken, { recursive: true, force: true });
  }
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(makingPrefix)) continue;
    const folder = join(parent, name);
    const made = await stat(folder).catch(() => null);
    if (made !== null && Date.now() - made.mtimeMs > abandonedAfterMs)
      await rm(folder, { recursive: true, force: true });
  }
}
