import { stat } from 'node:fs/promises';
import { machine } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { isExecutable, pathsOf } from '../sandbox/find-on-path.ts';
import { installationOf, prefixOf } from '../sandbox/installation.ts';
import type { AskedPrograms } from './ask-program.ts';

/**
 * The usual names come first. The system's `python3` may be too old while a newer Python is installed under its full
 * name.
 */
const names = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const oldest = [3, 10] as const;

const question = `
import json, os, platform, sys
try:
    from importlib.metadata import version
    pip = version("pip")
except Exception:
    pip = ""
print(json.dumps({
    "executable": sys.executable,
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "parts": list(sys.version_info[:2]),
    "prefixes": sorted({sys.prefix, sys.base_prefix, sys.base_exec_prefix}),
    "program": os.path.realpath(sys.executable),
    "pip": pip,
}))
`;

const Answer = z.object({
  executable: z.string().min(1),
  implementation: z.string(),
  version: z.string(),
  parts: z.tuple([z.number(), z.number()]),
  prefixes: z.array(z.string()),
  program: z.string(),
  pip: z.string(),
});

export interface Python {
  readonly executable: string;
  /** Implementation and version, e.g. `CPython 3.11.7`. */
  readonly interpreter: string;
  readonly prefixes: readonly string[];
  /** Path of the executable with all links resolved. */
  readonly program: string;
  /** Version of its pip, such as `23.2.1`; empty if it has none. */
  readonly pip: string;
  /** Folders and files outside the system's that must be readable. Some may not exist. */
  readonly folders: readonly string[];
}

/** Returns the platform, e.g. `linux-x86_64`. */
export function platformName(): string {
  return `${process.platform}-${machine()}`;
}

/**
 * Returns the first Python of 3.10 or newer on the path, or null if there is none. A launcher such as pyenv's is asked
 * which Python it starts.
 */
export async function findPython(programs: AskedPrograms, path: string): Promise<Python | null> {
  for (const name of names) {
    for (const candidate of pathsOf(name, path)) {
      const python = (await isExecutable(candidate)) ? await askPython(programs, candidate) : null;
      if (python === null) continue;
      if ((await stat(python.program).catch(() => null)) !== null) return python;
      // The Python that the launcher reported earlier is gone, so the launcher is asked again.
      programs.forget(candidate);
      const another = await askPython(programs, candidate);
      if (another !== null) return another;
    }
  }
  return null;
}

/** Returns null if the program does not run or is too old. */
async function askPython(programs: AskedPrograms, path: string): Promise<Python | null> {
  // -I: modules in the working folder or on PYTHONPATH cannot replace Python's own.
  const said = await programs.ask(path, ['-I', '-c', question]);
  const answer = Answer.safeParse(parsed(said ?? ''));
  if (!answer.success) return null;
  const { executable, implementation, version, parts, prefixes, program, pip } = answer.data;
  if (parts[0] !== oldest[0] || parts[1] < oldest[1]) return null;
  const installed = [...prefixes, prefixOf(program), prefixOf(executable)].flatMap(installationOf);
  // Python recognises a virtual environment by this file in the folder above `bin`.
  const folders = [...new Set([...installed, join(prefixOf(executable), 'pyvenv.cfg')])].sort();
  return { executable, interpreter: `${implementation} ${version}`, prefixes, program, pip, folders };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
