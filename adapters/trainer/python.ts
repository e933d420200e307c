import { execFile } from 'node:child_process';
import { access, constants, stat } from 'node:fs/promises';
import { machine } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

/** The usual names first; a system's `python3` may be older than one that stands beside it under its full name. */
const names = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const oldest = [3, 10] as const;
const answerMs = 20_000;

const question = `
import json, os, platform, sys, sysconfig
print(json.dumps({
    "executable": sys.executable,
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "parts": list(sys.version_info[:2]),
    "prefixes": sorted({sys.prefix, sys.base_prefix, sys.base_exec_prefix}),
    "program": os.path.realpath(sys.executable),
}))
`;

const Answer = z.object({
  executable: z.string().min(1),
  implementation: z.string(),
  version: z.string(),
  parts: z.tuple([z.number(), z.number()]),
  prefixes: z.array(z.string()),
  program: z.string(),
});

export interface Python {
  readonly executable: string;
  /** e.g. `CPython 3.11.7` */
  readonly interpreter: string;
  /** Folders that it and its libraries lie in. */
  readonly prefixes: readonly string[];
  /** The executable behind all links. */
  readonly program: string;
}

/** e.g. `linux-x86_64` */
export function platformName(): string {
  return `${process.platform}-${machine()}`;
}

/** The first Python of 3.10 or newer on the path; null if there is none. A launcher such as pyenv's is asked what it launches. */
export async function findPython(environment: Readonly<Record<string, string>>): Promise<Python | null> {
  for (const name of names) {
    for (const path of pathsOf(name, environment.PATH ?? '')) {
      if (!(await isExecutable(path))) continue;
      const python = await askPython(path, environment);
      if (python !== null) return python;
    }
  }
  return null;
}

/** Null: it does not run, or is too old. */
export async function askPython(path: string, environment: Readonly<Record<string, string>>): Promise<Python | null> {
  try {
    // -I: neither the folder it runs in nor variables put modules of their own in the way.
    const { stdout } = await promisify(execFile)(path, ['-I', '-c', question], {
      env: environment,
      cwd: '/',
      timeout: answerMs,
    });
    const { executable, implementation, version, parts, prefixes, program } = Answer.parse(JSON.parse(stdout));
    if (parts[0] !== oldest[0] || parts[1] < oldest[1]) return null;
    return { executable, interpreter: `${implementation} ${version}`, prefixes, program };
  } catch {
    return null;
  }
}

export async function findOnPath(name: string, path: string): Promise<string | null> {
  for (const candidate of pathsOf(name, path)) if (await isExecutable(candidate)) return candidate;
  return null;
}

function pathsOf(name: string, path: string): string[] {
  return path.split(delimiter).flatMap((folder) => (isAbsolute(folder) ? [join(folder, name)] : []));
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
