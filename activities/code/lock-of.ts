import { cancellationSignal } from '@temporalio/activity';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CodeManifest } from '../../contracts/code/code-version.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { relativePathProblem } from '../../contracts/code/relative-path.ts';
import type { RunInput } from '../../contracts/pipelines/step.ts';
import type { StoringDependencies } from '../activity-dependencies.ts';
import { RunLog } from '../steps/run-log.ts';

/**
 * Returns the environment of the code: the lock file as it is or, if it has no hashes, the lock that it resolves to. A
 * file is resolved only once. As long as it stays the same, its resolved lock is reused, so that new code does not
 * silently bring new packages.
 */
export async function lockOf(
  deps: StoringDependencies,
  { runId, scope }: RunInput,
  tree: string,
  { path, allowBuilds }: { readonly path: string | null; readonly allowBuilds: boolean },
): Promise<CodeManifest['environment']> {
  if (path === null) return null;
  // Checked here too, because the configuration may have been applied by a release that did not check this.
  const problem = relativePathProblem(path);
  if (problem !== undefined)
    throw new PerennialError('environment-failed', `code.environment ${JSON.stringify(path)} ${problem}`, { path });
  const file = join(tree, path);
  const lock = sha256OfBytes(await readLockFile(file, path));
  const head = (await deps.repositories.code.head(scope))?.manifest;
  const before = head?.environment ?? null;
  const isSameQuestion = before?.path === path && (head?.allowBuilds ?? false) === allowBuilds;
  if (isSameQuestion && before.resolvedFrom === lock) return before;
  const log = new RunLog(deps, runId);
  try {
    const resolved = await deps.environments.resolveLock(file, {
      allowBuilds,
      onLog: log.line,
      signal: cancellationSignal(),
    });
    if (resolved === null) return { path, lock };
    const { sha256 } = await deps.objectStore.putBytes(Buffer.from(resolved));
    return { path, lock: sha256, resolvedFrom: lock };
  } finally {
    await log.close();
  }
}

async function readLockFile(file: string, path: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (caught) {
    throw new PerennialError(
      'environment-failed',
      `code.environment names ${path}, but the code has no such file; add the file, or change code.environment`,
      { path },
      { cause: caught },
    );
  }
}
