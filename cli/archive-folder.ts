import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, readdir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { pack } from 'tar-stream';
import { PerennialError } from '../contracts/errors.ts';

const run = promisify(execFile);
const leftOut = new Set([
  '.git',
  '.venv',
  'venv',
  'node_modules',
  '__pycache__',
  '.perennial',
  '.ipynb_checkpoints',
  '.DS_Store',
]);
const bytesAtMost = 256 * 1024 ** 2;

/** Writes a tar of a folder's regular files. Links are refused by name; what git ignores stays out where the folder is in a checkout. */
export async function archiveFolder(folder: string, archivePath: string): Promise<{ readonly files: number }> {
  const root = await realpath(folder);
  const files = (await listFiles(root, root)).sort();
  const ignored = await ignoredByGit(root, files);
  const kept = files.filter((file) => !ignored.has(file));
  if (kept.length === 0)
    throw new PerennialError('invalid-request', `${folder} has no files to take a snapshot of`, { folder });
  const tar = pack();
  const writing = pipeline(tar, createWriteStream(archivePath));
  let total = 0;
  for (const file of kept) {
    const { size, mode } = await lstat(join(root, file));
    total += size;
    if (total > bytesAtMost)
      throw new PerennialError(
        'too-large',
        `${folder} holds more than 256 MiB; keep data out of the code folder, e.g. by .gitignore`,
        { folder },
      );
    const entry = tar.entry({
      name: file.split(sep).join('/'),
      size,
      mode: (mode & 0o100) === 0 ? 0o644 : 0o755,
      mtime: new Date(0),
    });
    await pipeline(createReadStream(join(root, file)), entry);
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
        `${relative(root, path)} is a link or a device; a snapshot holds files only, so copy what it points to`,
        { path },
      );
  }
  return found;
}

async function ignoredByGit(root: string, files: readonly string[]): Promise<ReadonlySet<string>> {
  try {
    const { stdout } = await run('git', ['-C', root, 'ls-files', '--others', '--ignored', '--exclude-standard', '-z'], {
      maxBuffer: 64 * 1024 ** 2,
    });
    const ignored = new Set(stdout.split('\0'));
    return new Set(files.filter((file) => ignored.has(file)));
  } catch {
    // Not in a checkout, or no git on this machine: nothing is ignored.
    return new Set();
  }
}

/** The commit that a folder stands at and whether it differs from it; undefined outside a checkout. */
export async function gitStateOf(
  folder: string,
): Promise<{ readonly gitCommit: string; readonly dirty: boolean } | undefined> {
  try {
    const { stdout: commit } = await run('git', ['-C', folder, 'rev-parse', 'HEAD']);
    const { stdout: status } = await run('git', ['-C', folder, 'status', '--porcelain', '--', '.']);
    return { gitCommit: commit.trim(), dirty: status.trim() !== '' };
  } catch {
    return undefined;
  }
}
