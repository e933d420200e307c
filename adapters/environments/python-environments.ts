import { lstat, mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { RequirementsFile } from '../../contracts/code/requirements.ts';
import { requirementsText, withoutHash } from '../../contracts/code/requirements.ts';
import { findOnPath } from '../sandbox/find-on-path.ts';
import { systemPath } from '../sandbox/installation.ts';
import type { Mount } from '../sandbox/sandbox.ts';
import { readable } from './ask-program.ts';
import type { EnvironmentWorkplace } from './made-environment.ts';
import { madeEnvironment } from './made-environment.ts';
import type { PackageIndex } from './indexes/package-index.ts';
import { refuseForeignSources, withPackageIndex } from './indexes/package-index.ts';
import type { PackageFiles } from './indexes/package-files.ts';
import type { PipSources } from './indexes/package-sources.ts';
import { platformName } from './python.ts';
import type { Python } from './python.ts';
import type { ToolRun } from './tool-step.ts';
import { runTool } from './tool-step.ts';

/** A larger file is no launcher script and is left unchanged. */
const scriptBytesAtMost = 2 ** 20;
const wayOut =
  'write the lock with hashes of every package, for example with `pip-compile --generate-hashes` or `uv pip compile --universal --generate-hashes`, and apply the code again';
const venvRemedy =
  'install what Python needs to make virtual environments (on Debian and Ubuntu: the package python3-venv)';

/** Keeps pip from reading options from variables and files. */
export const pipEnvironment = { PIP_CONFIG_FILE: '/dev/null', PIP_NO_INPUT: '1' } as const;
const uvEnvironment = { UV_NO_CONFIG: '1', UV_PYTHON_DOWNLOADS: 'never' } as const;
const wheelsOnly = ['--only-binary', ':all:'] as const;

/** Settings of pip, for installing and resolving. */
export interface PipRun extends ToolRun {
  readonly cacheFolder: string;
  readonly workFolder: string;
  readonly requirements: RequirementsFile;
  readonly python: Python;
  readonly sources: PipSources;
  readonly files: PackageFiles;
  readonly allowBuilds: boolean;
  /** PATH on which uv is looked up. */
  readonly path: string;
}

/** Returns the folder of a lock's virtual environment, which is made if absent. */
export async function environmentOfLock(run: PipRun, lock: string): Promise<string> {
  const { cacheFolder, workFolder, requirements, python, sources, allowBuilds } = run;
  refuseForeignSources(requirements, sources);
  refuseUnhashed(requirements);
  const { interpreter, program } = python;
  return madeEnvironment({ cacheFolder, workFolder, lock, interpreter, program, allowBuilds }, async (workplace) => {
    await refuseUnsafeBuilds(run);
    await make(workplace, run);
    await nameFinally(workplace);
  });
}

function refuseUnhashed(requirements: RequirementsFile): void {
  const [first] = withoutHash(requirements);
  if (first === undefined) return;
  throw new PerennialError(
    'environment-failed',
    `${requirements.file}:${first.line}: ${first.name} has no hash, so the lock of the training environment cannot be checked; ${wayOut}`,
    {},
  );
}

/** Refuses builds without bubblewrap: a build runs code of the package, which would have the rights of the worker. */
export async function refuseUnsafeBuilds({
  allowBuilds,
  sandbox,
}: Pick<PipRun, 'allowBuilds' | 'sandbox'>): Promise<void> {
  if (!allowBuilds) return;
  const { kind, reason } = await sandbox.isolation();
  if (kind === 'bubblewrap') return;
  throw new PerennialError(
    'environment-failed',
    `code.allowBuilds is set, but packages are only built in a sandbox, and this worker has none (${reason ?? 'no bubblewrap'}); install bubblewrap on the worker, or remove code.allowBuilds and use packages that have wheels`,
    {},
  );
}

export async function makeVirtualEnvironment(run: PipRun, workplace: EnvironmentWorkplace): Promise<void> {
  const { python } = run;
  await mkdir(workplace.environment, { recursive: true });
  await mkdir(workplace.scratch, { recursive: true });
  await runTool(run, {
    name: 'python -m venv',
    file: python.executable,
    args: ['-I', '-m', 'venv', workplace.environment],
    scratch: workplace.scratch,
    path: systemPath,
    mounts: mountsOf(run, workplace),
    network: { kind: 'none' },
    remedy: venvRemedy,
  });
}

function mountsOf({ python }: PipRun, { environment, scratch }: EnvironmentWorkplace): Mount[] {
  const writable = [environment, scratch].map((source) => ({ source, writable: true }));
  return [...readable(python.folders), ...writable];
}

async function make(workplace: EnvironmentWorkplace, run: PipRun): Promise<void> {
  const { python, log, requirements } = run;
  log.system(
    `making the training environment from the lock with ${python.interpreter} on ${platformName()}; this happens only once`,
  );
  await makeVirtualEnvironment(run, workplace);
  if (requirements.requirements.length === 0) return;
  await withPackageIndex({ ...run, onProblem: log.system }, async (index) => {
    const list = join(workplace.scratch, 'requirements.txt');
    await writeFile(list, requirementsText(requirements.requirements));
    if (!(await installWithUv(workplace, run, index, list))) await installWithPip(workplace, run, index, list);
  });
  await compileAll(workplace, run);
}

/**
 * Compiles all modules to bytecode. Scripts see the environment read-only, so they would compile a missing module at
 * every start. Uses all processors, where pip uses one. Skips test folders, in which packages keep files that this
 * version of Python cannot compile.
 */
async function compileAll(workplace: EnvironmentWorkplace, run: PipRun): Promise<void> {
  const { environment, scratch } = workplace;
  const program =
    'import compileall, re, sys; compileall.compile_dir(sys.argv[1], quiet=2, workers=0, rx=re.compile("/tests?/"))';
  await runTool(run, {
    name: 'python -m compileall',
    file: join(environment, 'bin', 'python'),
    args: ['-I', '-c', program, join(environment, 'lib')],
    scratch,
    path: systemPath,
    mounts: mountsOf(run, workplace),
    network: { kind: 'none' },
    remedy: wayOut,
  });
}

/** Installs the same wheels as pip, but faster. Returns false if uv is absent or fails, so that pip is used. */
async function installWithUv(
  workplace: EnvironmentWorkplace,
  run: PipRun,
  index: PackageIndex,
  list: string,
): Promise<boolean> {
  const uv = await findOnPath('uv', run.path);
  if (uv === null) return false;
  // Copies files, because launcher scripts are rewritten later and links would lead into uv's cache.
  const how = ['--require-hashes', '--link-mode', 'copy', '--no-cache', '--no-progress', '--no-config'];
  const args = ['pip', 'install', ...how, ...(run.allowBuilds ? [] : wheelsOnly), '--default-index', index.simpleUrl];
  const python = ['--python', join(workplace.environment, 'bin', 'python'), '-r', list];
  const { scratch } = workplace;
  const program = await realpath(uv);
  try {
    await runTool(run, {
      name: 'uv pip install',
      file: program,
      args: [...args, ...python],
      scratch,
      path: systemPath,
      env: uvEnvironment,
      mounts: [{ source: program }, ...mountsOf(run, workplace)],
      network: index.network,
      remedy: '',
    });
    return true;
  } catch (caught) {
    if (caught instanceof PerennialError && caught.code === 'cancelled') throw caught;
    run.log.system(`uv could not install the lock, so pip installs it: ${reasonOf(caught).slice(0, 300)}`);
    // uv may have installed code that runs when Python starts, and pip would run it.
    await rm(workplace.environment, { recursive: true, force: true });
    await makeVirtualEnvironment(run, workplace);
    return false;
  }
}

/** Returns the options of every use of pip: packages come only from the index. */
export function pipOptions({ allowBuilds }: Pick<PipRun, 'allowBuilds'>, index: PackageIndex): string[] {
  const quiet = ['--no-input', '--progress-bar', 'off', '--disable-pip-version-check', '--no-cache-dir'];
  return [...quiet, ...(allowBuilds ? [] : wheelsOnly), '--index-url', index.simpleUrl];
}

async function installWithPip(
  workplace: EnvironmentWorkplace,
  run: PipRun,
  index: PackageIndex,
  list: string,
): Promise<void> {
  const { python, allowBuilds } = run;
  const found = allowBuilds ? 'a file' : 'a wheel';
  const builds = allowBuilds ? '' : ' (packages without a wheel are built if code.allowBuilds is true)';
  await runTool(run, {
    name: 'pip install',
    file: join(workplace.environment, 'bin', 'python'),
    args: [
      '-I',
      '-m',
      'pip',
      '--isolated',
      'install',
      '--no-compile',
      '--require-hashes',
      ...pipOptions(run, index),
      '-r',
      list,
    ],
    scratch: workplace.scratch,
    path: systemPath,
    env: pipEnvironment,
    mounts: mountsOf(run, workplace),
    network: index.network,
    remedy: `check that every package in the lock has ${found} for ${python.interpreter} on ${platformName()}${builds} and a matching hash, and that the package index answers; ${wayOut}`,
  });
}

/**
 * Replaces the temporary path by the final one, because launcher scripts of packages begin with the path of their
 * Python.
 */
async function nameFinally({ environment, final }: EnvironmentWorkplace): Promise<void> {
  const bin = join(environment, 'bin');
  // A package may have replaced `bin` with a link that leads out of the environment.
  if (!(await lstat(bin)).isDirectory())
    throw new PerennialError(
      'environment-failed',
      'a package has replaced the environment’s folder of programs (bin); remove this package from the lock',
      {},
    );
  const files = [join(environment, 'pyvenv.cfg'), ...(await readdir(bin)).map((name) => join(bin, name))];
  for (const file of files) {
    const found = await lstat(file);
    if (!found.isFile() || found.size > scriptBytesAtMost) continue;
    // Latin-1 preserves the bytes of files that are not text.
    const text = await readFile(file, 'latin1');
    const [from, to] = [environment, final].map((path) => Buffer.from(path).toString('latin1'));
    if (from !== undefined && to !== undefined && text.includes(from))
      await writeFile(file, text.replaceAll(from, to), 'latin1');
  }
}
