// Where the programs are that npm does not bring. Plain JavaScript: setup runs it on whatever Node there is.
import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

export const programs = {
  temporal: {
    file: 'temporal',
    title: 'the Temporal CLI',
    variable: 'PERENNIAL_TEMPORAL_CLI',
    says: /^temporal version /,
  },
  minio: { file: 'minio', title: 'MinIO', variable: 'PERENNIAL_MINIO', says: /^minio version /i },
};

/** Where setup keeps what it fetched or built: shared by all checkouts of this user. */
export function cachedProgramFolder(env) {
  const cache =
    env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : join(env.HOME || homedir(), '.cache');
  return join(cache, 'perennial', 'bin');
}

/** Paths to look at, best first: the one that was named, else each folder of PATH, else the cache. */
export function candidatesOf(program, env) {
  const named = env[program.variable];
  // A name that does not work is said to be wrong, never guessed around.
  if (named) return [named];
  const onPath = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...onPath, cachedProgramFolder(env)].map((folder) => join(folder, program.file));
}

/** The first candidate that is an executable file; undefined if there is none. Does not run it. */
export function findProgram(program, env) {
  return candidatesOf(program, env).find(isExecutable);
}

/** The first candidate that runs and says it is that program: a namesake is passed over. */
export async function findWorkingProgram(program, env) {
  for (const path of candidatesOf(program, env)) {
    if (isExecutable(path) && (await runsAs(program, path))) return path;
  }
  return undefined;
}

export function runsAs(program, path) {
  return new Promise((resolve) => {
    execFile(path, ['--version'], { timeout: 20_000 }, (error, stdout) =>
      resolve(error === null && program.says.test(stdout)),
    );
  });
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
