import { lstat, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import { madeOnce } from './made-once.ts';
import { askPython, findOnPath, platformName } from './python.ts';
import type { Python } from './python.ts';
import { lacksHashes, readLock } from './read-lock.ts';
import type { ToolRun } from './tool-step.ts';
import { runTool } from './tool-step.ts';

/** A launcher script with a longer path than this is not one. */
const scriptBytesAtMost = 2 ** 20;
const wayOut =
  'make the lock with hashes of every package, e.g. `pip-compile --generate-hashes` or `uv pip compile --universal --generate-hashes`, and apply the code again';
const venvRemedy =
  'install what Python needs to make virtual environments (on Debian and Ubuntu: the package python3-venv)';

export interface LockedEnvironment extends ToolRun {
  readonly lockPath: string;
  /** What the CodeVersion says of the lock; null: as it is. */
  readonly digest: Sha256 | null;
  readonly python: Python;
}

/** The bin folder of the virtual environment of a lock: made once for lock, interpreter and platform. */
export async function environmentOfLock(cacheFolder: string, wanted: LockedEnvironment): Promise<string> {
  const { python, tools } = wanted;
  const lock = await readLock(wanted.lockPath, wanted.digest);
  if (lacksHashes(lock))
    throw new PerennialError('environment-failed', `the lock of the training environment has no hashes; ${wayOut}`, {});
  const key = sha256OfBytes([sha256OfBytes(lock), python.interpreter, platformName()].join('\n')).slice(0, 32);
  const final = await madeOnce(join(cacheFolder, 'environments', key), {
    // Not: none there yet, or the Python that it was made from is gone.
    isUsable: async (folder) =>
      (await askPython(join(folder, 'bin', 'python'), tools))?.interpreter === python.interpreter,
    make: async (making, name) => {
      await make(making, wanted);
      await nameFinally(making, name);
    },
  });
  return join(final, 'bin');
}

export async function makeVirtualEnvironment(run: ToolRun, python: Python, folder: string): Promise<void> {
  const args = ['-I', '-m', 'venv', folder];
  await runTool(run, { name: 'python -m venv', file: python.executable, args, remedy: venvRemedy });
}

async function make(folder: string, wanted: LockedEnvironment): Promise<void> {
  const { python, log } = wanted;
  log.system(
    `making the training environment of the lock with ${python.interpreter} on ${platformName()}; this happens once`,
  );
  await makeVirtualEnvironment(wanted, python, folder);
  if (await installWithUv(folder, wanted)) return;
  await installWithPip(folder, wanted);
}

/** The same wheels, sooner. Where it cannot, for whatever reason, pip has the word: its settings are the worker's. */
async function installWithUv(folder: string, wanted: LockedEnvironment): Promise<boolean> {
  const uv = await findOnPath('uv', wanted.tools.PATH ?? '');
  if (uv === null) return false;
  // Copies: programs are written to afterwards, and links would lead into uv's cache.
  const how = ['--require-hashes', '--only-binary', ':all:', '--link-mode', 'copy', '--no-progress', '--no-config'];
  const args = ['pip', 'install', ...how];
  const python = ['--python', join(folder, 'bin', 'python'), '-r', wanted.lockPath];
  try {
    const tools = { ...wanted.tools, ...uvSettings(wanted.tools) };
    await runTool({ ...wanted, tools }, { name: 'uv pip install', file: uv, args: [...args, ...python], remedy: '' });
    return true;
  } catch (caught) {
    if (caught instanceof PerennialError && caught.code === 'cancelled') throw caught;
    wanted.log.system(`uv could not install the lock, so pip is asked: ${reasonOf(caught).slice(0, 300)}`);
    return false;
  }
}

/** Where packages come from, as pip's variables say it, by the names that uv reads. */
export function uvSettings(tools: Readonly<Record<string, string>>): Record<string, string> {
  const names = [
    ['PIP_INDEX_URL', 'UV_DEFAULT_INDEX'],
    ['PIP_EXTRA_INDEX_URL', 'UV_INDEX'],
    ['PIP_FIND_LINKS', 'UV_FIND_LINKS'],
    ['PIP_NO_INDEX', 'UV_NO_INDEX'],
  ] as const;
  return Object.fromEntries(
    names.flatMap(([pip, uv]): [string, string][] => {
      const value = tools[pip];
      return value === undefined ? [] : [[uv, value]];
    }),
  );
}

async function installWithPip(folder: string, wanted: LockedEnvironment): Promise<void> {
  const { python, lockPath } = wanted;
  const flags = ['--require-hashes', '--only-binary', ':all:', '--no-input', '--progress-bar', 'off'];
  await runTool(wanted, {
    name: 'pip install',
    file: join(folder, 'bin', 'python'),
    args: ['-I', '-m', 'pip', 'install', ...flags, '--disable-pip-version-check', '-r', lockPath],
    remedy: `see that every package in it has a wheel for ${python.interpreter} on ${platformName()} and a hash that fits, and that the package index answers; ${wayOut}`,
  });
}

/** Programs of packages begin with the path of their Python, and would look for it under the temporary name. */
async function nameFinally(making: string, final: string): Promise<void> {
  const bin = join(making, 'bin');
  const files = [join(making, 'pyvenv.cfg'), ...(await readdir(bin)).map((name) => join(bin, name))];
  for (const file of files) {
    const found = await lstat(file);
    if (!found.isFile() || found.size > scriptBytesAtMost) continue;
    // Latin-1 keeps the bytes of what is no text.
    const text = await readFile(file, 'latin1');
    const [from, to] = [making, final].map((path) => Buffer.from(path).toString('latin1'));
    if (from !== undefined && to !== undefined && text.includes(from))
      await writeFile(file, text.replaceAll(from, to), 'latin1');
  }
}
