import type { ScriptJob } from '../../../contracts/models/training-job.ts';

/** A file whose path a script finds in a variable. `name` is the file's name in the sandbox. */
export interface GivenFile {
  readonly variable: string;
  readonly name: string;
  readonly path: string;
}

/** Paths of a script's files and folders, as the script sees them. */
export interface ScriptPaths {
  readonly code: string;
  readonly given: readonly GivenFile[];
  readonly params: string;
  readonly output: string;
  readonly temporary: string;
}

/** Returns the script's whole environment. */
export function scriptEnvironment(job: ScriptJob, paths: ScriptPaths, path: string): Record<string, string> {
  return {
    PATH: path,
    HOME: paths.temporary,
    TMPDIR: paths.temporary,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    ...Object.fromEntries(paths.given.map((file) => [file.variable, file.path])),
    PERENNIAL_PARAMS: paths.params,
    PERENNIAL_SEED: String(job.seed),
    PERENNIAL_OUTPUT: paths.output,
    // A JSON array, because a column's name may hold any character.
    PERENNIAL_FEATURES: JSON.stringify(job.features),
    PERENNIAL_TARGET: job.target,
    // For Python: output is unbuffered, sets have the same order in every run, and no bytecode is written to the
    // read-only code folder.
    PYTHONUNBUFFERED: '1',
    PYTHONHASHSEED: '0',
    PYTHONDONTWRITEBYTECODE: '1',
  };
}
