import { bundleWorkflowCode } from '@temporalio/worker';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeWhole } from '../files/write-whole.ts';
import type { Logger } from '../ports/logger.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const workflowsPath = join(root, 'workflows', 'index.ts');
/** The folders from which the bundle can contain code: the import rules do not let workflows import anything else. */
const sources = ['workflows', 'contracts'];
const keptBundles = 5;

/**
 * Returns all workflows as one script. Bundling takes seconds, so the script is cached under the digest of its sources
 * and the lock file, for restarts of this worker and for other workers.
 */
export async function workflowBundle(cacheFolder: string, logger: Logger): Promise<{ readonly code: string }> {
  const folder = join(cacheFolder, 'workflow-bundles');
  const path = join(folder, `${await sourceDigest()}.js`);
  const kept = await readIfThere(path);
  if (kept !== undefined) {
    // Marks the bundle as recently used, because the least recently used ones are deleted.
    await utimes(path, new Date(), new Date()).catch(() => {});
    return { code: kept };
  }
  const begun = performance.now();
  const { code } = await bundleWorkflowCode({ workflowsPath });
  logger.info({ milliseconds: Math.round(performance.now() - begun) }, 'workflows bundled');
  try {
    await keep(folder, path, code);
  } catch (caught) {
    logger.warn({ err: caught, folder }, 'the workflow bundle cannot be cached; the next start builds it again');
  }
  return { code };
}

async function sourceDigest(): Promise<string> {
  const lists = await Promise.all(
    sources.map(async (folder) =>
      (await readdir(join(root, folder), { recursive: true })).map((file) => join(folder, file)),
    ),
  );
  const files = lists.flat().filter((file) => file.endsWith('.ts'));
  const hash = createHash('sha256');
  for (const file of [...files.sort(), 'package-lock.json']) {
    const bytes = (await readIfThere(join(root, file))) ?? '';
    hash.update(`${file}\0${Buffer.byteLength(bytes)}\0`).update(bytes);
  }
  return hash.digest('hex');
}

/** Writes the bundle atomically and deletes the oldest ones. */
async function keep(folder: string, path: string, code: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeWhole(path, code, { draft: join(folder, `${randomUUID()}.draft`), mode: 0o600 });
  const bundles = (await readdir(folder)).filter((file) => file.endsWith('.js')).map((file) => join(folder, file));
  const dated = await Promise.all(bundles.map(async (file) => ({ file, usedAt: (await stat(file)).mtimeMs })));
  for (const { file } of dated.sort((a, b) => b.usedAt - a.usedAt).slice(keptBundles)) await rm(file, { force: true });
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (caught) {
    if (caught instanceof Error && 'code' in caught && caught.code === 'ENOENT') return undefined;
    throw caught;
  }
}
