import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PerennialError } from '../../contracts/errors.ts';
import type { TrainingEnvironment } from '../../ports/environments.ts';
import type { ScriptJob } from '../../ports/trainer.ts';
import { findOnPath, installationOf, prefixOf, systemPath } from '../sandbox/installation.ts';
import type { ScriptLog } from '../sandbox/script-log.ts';
import { givenInside, sandboxCommand, sandboxPaths } from './sandbox.ts';
import type { GivenFile, ScriptPaths } from './script-environment.ts';
import { scriptEnvironment } from './script-environment.ts';

/** What this machine has to train with. */
export interface Machine {
  /** Where programs are looked for. */
  readonly path: string;
  readonly sandbox:
    | { readonly kind: 'bubblewrap'; readonly path: string }
    | { readonly kind: 'none'; readonly reason: string };
}

export interface Launch {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Processes that are not the script's. */
  readonly own: number;
}

/** Bubblewrap itself, and the first process of the sandbox. */
const processesOfSandbox = 2;
const notebookRunner = fileURLToPath(new URL('run-notebook.py', import.meta.url));

export async function prepareFolders(job: ScriptJob, given: readonly GivenFile[]): Promise<ScriptPaths> {
  const output = join(job.attemptFolder, 'output');
  const temporary = join(job.attemptFolder, 'tmp');
  const params = join(job.attemptFolder, 'params.json');
  await Promise.all([mkdir(output), mkdir(temporary), writeFile(params, `${JSON.stringify(job.params)}\n`)]);
  const all = isNotebook(job.command)
    ? [...given, { variable: 'PERENNIAL_NOTEBOOK_RUNNER', name: basename(notebookRunner), path: notebookRunner }]
    : given;
  return { code: job.codeFolder, given: all, params, output, temporary };
}

export async function prepareLaunch(
  job: ScriptJob,
  machine: Machine,
  outside: ScriptPaths,
  log: ScriptLog,
): Promise<Launch> {
  const { binFolder } = job.environment;
  const path = [binFolder, machine.path].filter((part) => part !== null).join(delimiter);
  const isSandboxed = machine.sandbox.kind === 'bubblewrap';
  const words = commandWords(job.command, isSandboxed ? outside.given.map(givenInside) : outside.given);
  const found = await findProgram(words, path);
  // Of a folder of links, such as that of npm, the sandbox shows nothing: what the link leads to is started.
  const program = found === null || basename(dirname(found)) === 'bin' ? found : await realpath(found);
  if (machine.sandbox.kind === 'none') {
    log.system(
      `training runs without a sandbox: ${machine.sandbox.reason}; the script could read what this worker can read`,
    );
    await linkModules(job);
    return { argv: words, cwd: job.codeFolder, env: scriptEnvironment(job, outside, path), own: 0 };
  }
  const programs = await programFolders(job.environment, program);
  const [name = '', ...args] = words;
  const command = [program === null || isOfSystem(program) ? name : program, ...args];
  const inside = { ...sandboxPaths, given: outside.given.map(givenInside) };
  const insidePath = [binFolder, program && dirname(program), systemPath]
    .filter((part) => part !== null)
    .join(delimiter);
  const modules = job.environment.modulesFolder;
  return {
    argv: sandboxCommand(machine.sandbox.path, { outside, programs, modules, network: job.network }, command),
    cwd: '/',
    env: scriptEnvironment(job, inside, insidePath),
    own: processesOfSandbox,
  };
}

/** `notebook` is a word of the platform's own, and no program. */
function isNotebook([name, file]: readonly string[]): boolean {
  return name === 'notebook' && file?.endsWith('.ipynb') === true;
}

export function commandWords(command: readonly string[], given: readonly GivenFile[]): readonly string[] {
  if (!isNotebook(command)) return command;
  const runner = given.find(({ name }) => name === basename(notebookRunner));
  return ['python3', runner?.path ?? notebookRunner, ...command.slice(1)];
}

/** Node looks for packages in the folders above a script's own. */
async function linkModules({ codeFolder, environment: { modulesFolder } }: ScriptJob): Promise<void> {
  if (modulesFolder !== null) await symlink(modulesFolder, join(dirname(codeFolder), 'node_modules'));
}

/** Where a program that is named without a folder lies; null for one within the code folder, which names itself. */
async function findProgram([name = '']: readonly string[], path: string): Promise<string | null> {
  if (name.includes('/')) return null;
  const program = await findOnPath(name, path);
  if (program !== null) return program;
  const message = `the program ${name} of code.command is not on the PATH of this worker; install it there, name another in code.command, or add its package to the lock`;
  throw new PerennialError('training-failed', message, { exitCode: 127, lastLines: [] });
}

/** Folders outside the system's that the interpreter, its packages and the program need to be readable. */
async function programFolders({ folders }: TrainingEnvironment, program: string | null): Promise<string[]> {
  const installed = program === null ? [] : [prefixOf(program), prefixOf(await realpath(program))];
  return [...new Set([...folders, ...installed.flatMap(installationOf)])].sort();
}

function isOfSystem(program: string): boolean {
  return installationOf(prefixOf(program)).length === 0;
}

/**
 * Bounds what each process may allocate and how large a file it may write. The address space would be the wrong measure:
 * allocators and threads reserve many times what they use. Where a lower limit holds already, it stays. macOS accepts
 * the limit on memory and does not hold to it. A file may be twice what the disk limit allows, so that who is over that
 * limit is told so by the watch on it; this one holds between two looks.
 */
export function limited(argv: readonly string[], job: ScriptJob): readonly string[] {
  const { memoryBytes, diskBytesAtMost } = job;
  const memory = memoryBytes === null ? '' : `ulimit -d ${Math.floor(memoryBytes / 1024)}; `;
  const file = `ulimit -f ${Math.ceil(diskBytesAtMost / 256)} 2>/dev/null; `;
  return ['/bin/sh', '-c', `ulimit -c 0; ${file}${memory}exec "$0" "$@"`, ...argv];
}
