import type { ScriptJob } from '../../../contracts/models/training-job.ts';

/** A file that a script finds by a variable; `name` is the file's own in the sandbox. */
export interface GivenFile {
  readonly variable: string;
  readonly name: string;
  readonly path: string;
}

/** Where a script finds things, as it sees them. */
export interface ScriptPaths {
  readonly code: string;
  readonly given: readonly GivenFile[];
  readonly params: string;
  readonly output: string;
  readonly temporary: string;
}

/** All that a script sees of any environment. */
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
    // Python: lines arrive as they are printed; sets have the same order each time; the code folder is read-only.
    PYTHONUNBUFFERED: '1',
    PYTHONHASHSEED: '0',
    PYTHONDONTWRITEBYTECODE: '1',
  };
}
