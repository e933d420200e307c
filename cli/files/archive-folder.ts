import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { pack } from 'tar-stream';
import { codeTooLarge, refuseLargeCode, usualCodeLimits } from '../../contracts/code/code-limits.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Ignores } from './ignore-patterns.ts';
import { parseIgnorePatterns } from './ignore-patterns.ts';

const run = promisify(execFile);
/**
 * Left out whatever the pattern files say, because no training reads them. Entries such as `.mypy_cache` also come and
 * go by themselves.
 */
const leftOut = new Set([
  '.git',
  '.venv',
  'venv',
  'node_modules',
  '__pycache__',
  '.perennial',
  '.ipynb_checkpoints',
  '.DS_Store',
  '.pytest_cache',
  '.mypy_cache',
  '.ruff_cache',
  '.tox',
  '.hg',
  '.svn',
]);
const ownPatterns = '.perennialignore';

/**
 * Returns the real path of a folder that a configuration names. Throws `archive-unsafe` if links lead out of the folder
 * that contains the configuration: otherwise somebody else's checkout could have any folder of this machine uploaded.
 */
export async function folderWithin(base: string, path: string): Promise<string> {
  const outer = await realpath(base);
  const wanted = resolve(base, path);
  const inner = await realpath(wanted).catch((caught: unknown) => {
    const isAbsent = caught instanceof Error && 'code' in caught && caught.code === 'ENOENT';
    throw unreadable(path, isAbsent ? `${wanted} does not exist` : `${wanted} cannot be read (${reasonOf(caught)})`);
  });
  if (!(await stat(inner)).isDirectory()) throw unreadable(path, `${wanted} is not a folder`);
  const way = relative(outer, inner);
  if (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)) return inner;
  throw new PerennialError(
    'archive-unsafe',
    `code.path ${path} leads to ${inner}, which is outside of ${outer}; move the code into ${outer}, or move the configuration next to the code`,
    { path },
  );
}

function unreadable(path: string, why: string): PerennialError {
  return new PerennialError(
    'invalid-request',
    `code.path is ${path}, but ${why}; create that folder, or correct code.path`,
    { path },
  );
}

/**
 * Writes a tar of a folder's regular files to `target`, and refuses symbolic links by name. Files that git ignores are
 * left out: by git itself if the folder is in a checkout, else by its .gitignore. Files that .perennialignore names are
 * left out too, even if git tracks them.
 */
export async function archiveFolder(
  folder: string,
  target: Writable,
  limits = usualCodeLimits,
): Promise<{ readonly files: number }> {
  const root = await realpath(folder);
  const files = (await listFiles(root, root)).sort();
  const ignored = (await ignoredByGit(root, files)) ?? (await patternsOf(root, '.gitignore'));
  const own = await patternsOf(root, ownPatterns);
  const kept = files.filter((file) => !ignored(slashed(file)) && !own(slashed(file)) && file !== ownPatterns);
  if (kept.length === 0)
    throw new PerennialError('invalid-request', `${folder} contains no files to include in a snapshot`, { folder });
  const subject = `the code in ${folder}`;
  refuseLargeCode(subject, { bytes: 0, files: kept.length }, limits);
  const tar = pack();
  const writing = pipeline(tar, target);
  let total = 0;
  for (const file of kept) {
    // Does not follow a file that has become a link since it was listed.
    const handle = await open(join(root, file), constants.O_RDONLY | constants.O_NOFOLLOW).catch((caught: unknown) => {
      tar.destroy();
      throw new PerennialError('invalid-request', `the code file ${file} cannot be read: ${reasonOf(caught)}`, {
        path: file,
      });
    });
    const { size, mode } = await handle.stat();
    total += size;
    if (total > limits.bytes) {
      await handle.close();
      tar.destroy();
      await writing.catch(() => undefined);
      throw codeTooLarge(subject, 'bytes', limits);
    }
    const entry = tar.entry({
      name: slashed(file),
      size,
      mode: (mode & 0o100) === 0 ? 0o644 : 0o755,
      mtime: new Date(0),
    });
    await pipeline(handle.createReadStream(), entry);
  }
  tar.finalize();
  await writing;
  return { files: kept.length };
}

async function listFiles(root: string, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (leftOut.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await listFiles(root, path)));
    else if (entry.isFile()) found.push(relative(root, path));
    else
      throw new PerennialError(
        'archive-unsafe',
        `${relative(root, path)} is a link or a device, but a snapshot contains only regular files; replace a link with a copy of what it points to`,
        { path },
      );
  }
  return found;
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}

async function patternsOf(root: string, name: string): Promise<Ignores> {
  try {
    return parseIgnorePatterns(await readFile(join(root, name), 'utf8'));
  } catch {
    // Without such a file nothing is ignored.
    return () => false;
  }
}

/** Returns undefined if the folder is not in a checkout, or git is not installed. */
async function ignoredByGit(root: string, files: readonly string[]): Promise<Ignores | undefined> {
  try {
    const listing = await git(root, ['ls-files', '--others', '--ignored', '--exclude-standard', '-z']);
    const listed = new Set(listing.split('\0'));
    const ignored = new Set(files.map(slashed).filter((file) => listed.has(file)));
    return (path) => ignored.has(path);
  } catch {
    return undefined;
  }
}

/** Returns the commit that a folder is at and whether the folder differs from it; undefined outside a checkout. */
export async function gitStateOf(
  folder: string,
): Promise<{ readonly gitCommit: string; readonly dirty: boolean } | undefined> {
  try {
    const commit = await git(folder, ['rev-parse', 'HEAD']);
    const options = await withoutOwnFilters(folder);
    const status = await git(folder, [...options, 'status', '--porcelain', '--ignore-submodules=dirty', '--', '.']);
    return { gitCommit: commit.trim(), dirty: status.trim() !== '' };
  } catch {
    return undefined;
  }
}

/**
 * Runs git with safe options, because somebody else's checkout may have a configuration that names programs for git to
 * run.
 */
async function git(folder: string, args: readonly string[]): Promise<string> {
  const options = ['-C', folder, '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];
  const { stdout } = await run('git', [...options, ...args], { maxBuffer: 64 * 1024 ** 2 });
  return stdout;
}

/**
 * Returns git options that disable the filters which the checkout itself configures. Filters of the user, such as Git
 * LFS, stay.
 */
async function withoutOwnFilters(folder: string): Promise<string[]> {
  const query = ['config', '--show-scope', '--name-only', '-z', '--get-regexp', '^filter\\.'];
  // git exits with 1 if no filter is configured.
  const found = (await git(folder, query).catch(() => '')).split('\0');
  const own = found.filter((_, at) => at % 2 === 1 && ['local', 'worktree'].includes(found[at - 1] ?? ''));
  if (own.some((key) => key.includes('='))) throw new Error('a filter whose name cannot be written as an option');
  return own.flatMap((key) => ['-c', `${key}=`]);
}
