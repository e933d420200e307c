import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PerennialError } from '../../../contracts/errors.ts';
import type { ScriptJob } from '../../../contracts/models/training-job.ts';
import type { TrainingEnvironment } from '../../../ports/environments.ts';
import { isOfSystem } from '../../sandbox/starting/bubblewrap.ts';
import { findOnPath } from '../../sandbox/find-on-path.ts';
import { installationOf, prefixOf, systemPath } from '../../sandbox/installation.ts';
import type { Sandbox, SandboxedCommand } from '../../sandbox/sandbox.ts';
import type { Attempt } from './attempt.ts';
import type { GivenFile, ScriptPaths } from './script-environment.ts';
import { scriptEnvironment } from './script-environment.ts';
import { givenInside, mountsOf, sandboxPaths } from './script-mounts.ts';

/** What this machine offers for training. */
export interface TrainingMachine {
  /** PATH on which programs are looked up. */
  readonly path: string;
  readonly sandbox: Sandbox;
}

/** A command with its mounts and environment. The paths in it are those that the command sees. */
export interface Launch extends Pick<SandboxedCommand, 'file' | 'args' | 'cwd' | 'env' | 'mounts'> {
  /** Warning for the log about where the command runs; null if it runs in a sandbox. */
  readonly warning: string | null;
}

const notebookRunner = fileURLToPath(new URL('run-notebook.py', import.meta.url));

/** Makes the folders and the parameter file of a script. Returns their paths. */
export async function prepareFolders(
  { command, params: values }: ScriptJob,
  { folder, codeFolder }: Attempt,
  given: readonly GivenFile[],
): Promise<ScriptPaths> {
  const output = join(folder, 'output');
  const temporary = join(folder, 'tmp');
  const params = join(folder, 'params.json');
  await Promise.all([mkdir(output), mkdir(temporary), writeFile(params, `${JSON.stringify(values)}\n`)]);
  const all = isNotebook(command)
    ? [...given, { variable: 'PERENNIAL_NOTEBOOK_RUNNER', name: basename(notebookRunner), path: notebookRunner }]
    : given;
  return { code: codeFolder, given: all, params, output, temporary };
}

export async function prepareLaunch(
  job: ScriptJob,
  machine: TrainingMachine,
  environment: TrainingEnvironment,
  outside: ScriptPaths,
): Promise<Launch> {
  const { binFolder, modulesFolder } = environment;
  const path = [binFolder, machine.path].filter((part) => part !== null).join(delimiter);
  const { kind, reason } = await machine.sandbox.isolation();
  const isApart = kind === 'bubblewrap';
  const [name = '', ...args] = commandWords(job.command, isApart ? outside.given.map(givenInside) : outside.given);
  const found = await findProgram(name, path);
  // The sandbox does not show a folder of links, such as npm's, so the link's target is started.
  const program = found === null || basename(dirname(found)) === 'bin' ? found : await realpath(found);
  if (!isApart) {
    await linkModules(outside.code, modulesFolder);
    const env = scriptEnvironment(job, outside, path);
    const mounts = [outside.output, outside.temporary].map((source) => ({ source, writable: true }));
    const warning = `training runs without a sandbox: ${reason ?? 'there is no sandbox'}; the script can read everything that this worker can read`;
    return { file: name, args, cwd: outside.code, env, mounts, warning };
  }
  const inside = { ...sandboxPaths, given: outside.given.map(givenInside) };
  const insidePath = [binFolder, program && dirname(program), systemPath].filter((part) => part !== null);
  return {
    file: program === null || isOfSystem(program) ? name : program,
    args,
    cwd: sandboxPaths.code,
    env: scriptEnvironment(job, inside, insidePath.join(delimiter)),
    mounts: mountsOf(outside, await programFolders(environment, program), modulesFolder),
    warning: null,
  };
}

/** `notebook` is a keyword of the platform and not a program. */
function isNotebook([name, file]: readonly string[]): boolean {
  return name === 'notebook' && file?.endsWith('.ipynb') === true;
}

export function commandWords(command: readonly string[], given: readonly GivenFile[]): readonly string[] {
  if (!isNotebook(command)) return command;
  const runner = given.find(({ name }) => name === basename(notebookRunner));
  return ['python3', runner?.path ?? notebookRunner, ...command.slice(1)];
}

/** Makes the packages available to Node, which looks for them in the folders above a script's own. */
async function linkModules(codeFolder: string, modulesFolder: string | null): Promise<void> {
  if (modulesFolder !== null) await symlink(modulesFolder, join(dirname(codeFolder), 'node_modules'));
}

/**
 * Returns the path of a program that is named without a folder. Returns null for a program in the code folder, whose
 * name is a path.
 */
async function findProgram(name: string, path: string): Promise<string | null> {
  if (name.includes('/')) return null;
  const program = await findOnPath(name, path);
  if (program !== null) return program;
  const message = `the program ${name} of code.command is not on the PATH of this worker; install the program there, use another program in code.command, or add its package to the lock`;
  throw new PerennialError('training-failed', message, { exitCode: 127, lastLines: [] });
}

/** Returns the folders outside the system's that must be readable for the interpreter, its packages and the program. */
async function programFolders({ folders }: TrainingEnvironment, program: string | null): Promise<string[]> {
  const installed = program === null ? [] : [prefixOf(program), prefixOf(await realpath(program))];
  return [...new Set([...folders, ...installed.flatMap(installationOf)])].sort();
}
