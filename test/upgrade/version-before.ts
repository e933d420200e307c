import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const Package = z.object({ version: z.string() }).loose();
const Lock = z.object({ packages: z.record(z.string(), z.unknown()) }).loose();

export interface Checkout {
  readonly folder: string;
  remove(): Promise<void>;
}

/**
 * Checks out the last commit whose package version is another one than today's, in a git worktree in a temporary
 * folder, and gives it its dependencies.
 */
export async function checkOutVersionBefore(): Promise<Checkout> {
  const commit = await lastCommitOfVersionBefore();
  const parent = await mkdtemp(join(tmpdir(), 'perennial-version-before-'));
  const folder = join(parent, 'checkout');
  const remove = async (): Promise<void> => {
    await rm(parent, { recursive: true, force: true });
    await git('worktree', 'prune');
  };
  try {
    await git('worktree', 'add', '--quiet', '--detach', folder, commit);
    await giveDependencies(folder);
  } catch (caught) {
    await remove();
    throw caught;
  }
  return { folder, remove };
}

async function lastCommitOfVersionBefore(): Promise<string> {
  // A shallow clone lacks the commit.
  if ((await git('rev-parse', '--is-shallow-repository')).trim() === 'true')
    await git('fetch', '--quiet', '--unshallow');
  const today = Package.parse(JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'))).version;
  const commits = (await git('log', '--format=%H', '--', 'package.json')).trim().split('\n');
  let later: string | undefined;
  for (const commit of commits) {
    if ((await versionAt(commit)) !== today) return later === undefined ? 'HEAD' : `${later}^`;
    later = commit;
  }
  throw new Error(`git has no commit of a version before ${today}`);
}

async function versionAt(commit: string): Promise<string> {
  return Package.parse(JSON.parse(await git('show', `${commit}:package.json`))).version;
}

/** Shares this checkout's packages if the version before has the same ones, and installs its own otherwise. */
async function giveDependencies(folder: string): Promise<void> {
  const [own, before] = await Promise.all([packagesOf(repository), packagesOf(folder)]);
  if (own === before) await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  else await promisify(execFile)('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder });
}

/** Returns the locked packages without the project itself, whose version always differs. */
async function packagesOf(root: string): Promise<string> {
  const { packages } = Lock.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')));
  return JSON.stringify({ ...packages, '': null });
}

async function git(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', args, { cwd: repository });
  return stdout;
}
