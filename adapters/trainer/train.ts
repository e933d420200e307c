import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { PerennialError } from '../../contracts/errors.ts';
import type { TrainingJob, TrainingResult } from '../../ports/trainer.ts';
import { collectOutput } from './collect-output.ts';
import { askPython, findOnPath } from './python.ts';
import type { Ending } from './run-supervised.ts';
import { runSupervised } from './run-supervised.ts';
import { installationOf, prefixOf, sandboxCommand, sandboxPaths } from './sandbox.ts';
import type { ScriptPaths } from './script-environment.ts';
import { scriptEnvironment } from './script-environment.ts';
import { ScriptLog } from './script-log.ts';
import { systemPath } from './tool-environment.ts';

/** What this machine has to train with. */
export interface Machine {
  readonly tools: Readonly<Record<string, string>>;
  readonly sandbox:
    | { readonly kind: 'bubblewrap'; readonly path: string }
    | { readonly kind: 'none'; readonly reason: string };
}

interface Launch {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs the command of one attempt to its end and takes what it wrote. */
export async function train(job: TrainingJob, machine: Machine): Promise<TrainingResult> {
  const outside = await prepareFolders(job);
  const log = new ScriptLog(job.onLog, job.onProgress);
  const launch = await prepareLaunch(job, machine, outside, log);
  const [file = '', ...args] = limitedInMemory(launch.argv, job.memoryBytes);
  const { timeoutMs, signal } = job;
  const ending = await runSupervised({ ...launch, file, args, timeoutMs, signal, onOutput: log.write });
  log.end();
  if (ending.kind !== 'exited' || ending.exitCode !== 0) throw failureOf(ending, job, log.lastLines);
  return collectOutput(outside.output, log.system);
}

async function prepareFolders(job: TrainingJob): Promise<ScriptPaths> {
  const output = join(job.attemptFolder, 'output');
  const temporary = join(job.attemptFolder, 'tmp');
  const params = join(job.attemptFolder, 'params.json');
  await Promise.all([mkdir(output), mkdir(temporary), writeFile(params, `${JSON.stringify(job.params)}\n`)]);
  return { code: job.codeFolder, train: job.trainPath, validation: job.validationPath, params, output, temporary };
}

async function prepareLaunch(
  job: TrainingJob,
  machine: Machine,
  outside: ScriptPaths,
  log: ScriptLog,
): Promise<Launch> {
  const { binFolder } = job.environment;
  const path = [binFolder, machine.tools.PATH ?? systemPath].filter((part) => part !== null).join(delimiter);
  const program = await findProgram(job, path);
  if (machine.sandbox.kind === 'none') {
    log.system(
      `training runs without a sandbox: ${machine.sandbox.reason}; the script could read what this worker can read`,
    );
    return { argv: job.command, cwd: job.codeFolder, env: scriptEnvironment(job, outside, path) };
  }
  const programs = await programFolders(binFolder, program, machine.tools);
  const [name = '', ...args] = job.command;
  const command = [program === null || isOfSystem(program) ? name : program, ...args];
  const inside = { ...sandboxPaths, validation: outside.validation === null ? null : sandboxPaths.validation };
  const insidePath = [binFolder, program && dirname(program), systemPath]
    .filter((part) => part !== null)
    .join(delimiter);
  return {
    argv: sandboxCommand(machine.sandbox.path, { outside, programs, network: job.network }, command),
    cwd: '/',
    env: scriptEnvironment(job, inside, insidePath),
  };
}

/** Where a program that is named without a folder lies; null for one within the code folder, which names itself. */
async function findProgram(job: TrainingJob, path: string): Promise<string | null> {
  const [name = ''] = job.command;
  if (name.includes('/')) return null;
  const program = await findOnPath(name, path);
  if (program !== null) return program;
  const message = `the program ${name} of code.command is not on the PATH of this worker; install it there, name another in code.command, or add its package to the lock`;
  throw new PerennialError('training-failed', message, { exitCode: 127, lastLines: [] });
}

/** Folders outside the system's that the interpreter, its packages and the program need to be readable. */
async function programFolders(
  binFolder: string | null,
  program: string | null,
  tools: Machine['tools'],
): Promise<string[]> {
  const python = binFolder === null ? null : await askPython(join(binFolder, 'python3'), tools);
  const prefixes = python === null ? [] : [...python.prefixes, prefixOf(python.program)];
  const installed = program === null ? [] : [prefixOf(program), prefixOf(await realpath(program))];
  const folders = new Set([...prefixes, ...installed].flatMap(installationOf));
  // A virtual environment is recognised by the file above its bin.
  if (binFolder !== null) folders.add(join(dirname(binFolder), 'pyvenv.cfg'));
  return [...folders].sort();
}

function isOfSystem(program: string): boolean {
  return installationOf(prefixOf(program)).length === 0;
}

/**
 * Bounds what each process may allocate. The address space would be the wrong measure: allocators and threads reserve
 * many times what they use. Where a lower limit holds already, it stays. macOS accepts the limit and does not hold to it.
 */
function limitedInMemory(argv: readonly string[], bytes: number | null): readonly string[] {
  if (bytes === null) return argv;
  return ['/bin/sh', '-c', 'ulimit -d "$0"; exec "$@"', String(Math.floor(bytes / 1024)), ...argv];
}

function failureOf(ending: Ending, job: TrainingJob, lastLines: readonly string[]): PerennialError {
  switch (ending.kind) {
    case 'aborted':
      return new PerennialError('cancelled', 'the training was cancelled and its processes were stopped', {});
    case 'timeout':
      return new PerennialError(
        'training-timeout',
        `the training command ran past its time limit of ${job.timeoutMs / 1000} s and was stopped; raise build.timeout, or train on less`,
        { timeoutMs: job.timeoutMs, lastLines },
      );
    case 'not-started':
      return new PerennialError(
        'training-failed',
        `the training command could not be started: ${ending.reason}; see code.command`,
        { exitCode: 127, lastLines },
      );
    case 'exited': {
      const last = lastLines.at(-1);
      const said = last === undefined ? 'it said nothing' : `its last line: ${last}`;
      return new PerennialError(
        'training-failed',
        `the training command ended with code ${ending.exitCode}; ${said}${memoryHint(ending.exitCode, lastLines, job)}`,
        { exitCode: ending.exitCode, lastLines },
      );
    }
  }
}

const killedBySignal9 = 137;

function memoryHint(exitCode: number, lastLines: readonly string[], job: TrainingJob): string {
  const looksLike =
    exitCode === killedBySignal9 ||
    lastLines.some((line) =>
      /MemoryError|bad_alloc|Cannot allocate memory|Unable to allocate|out of memory/i.test(line),
    );
  if (!looksLike) return '';
  return job.memoryBytes === null
    ? '; this machine may lack memory'
    : '; it may need more memory than build.resources.memory gives it';
}
