import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import { askPython, platformName } from './python.ts';
import type { Python } from './python.ts';
import { runSupervised } from './run-supervised.ts';
import type { ScriptLog } from './script-log.ts';

const makingPrefix = '.making-';
/** No step takes as long; what is older was left by a worker that was killed. */
const abandonedAfterMs = 24 * 3_600_000;
const stepTimeoutMs = 30 * 60_000;
/** A launcher script with a longer path than this is not one. */
const scriptBytesAtMost = 2 ** 20;
const wayOut =
  'make the lock with hashes of every package, e.g. `pip-compile --generate-hashes` or `uv pip compile --universal --generate-hashes`, and apply the code again';

export interface LockedEnvironment {
  readonly lockPath: string;
  /** What the CodeVersion says of the lock; null: as it is. */
  readonly digest: Sha256 | null;
  readonly python: Python;
  readonly tools: Readonly<Record<string, string>>;
  readonly log: ScriptLog;
  readonly signal: AbortSignal;
}

/**
 * The bin folder of the virtual environment of a lock: made once for lock, interpreter and platform, under a temporary
 * name that is changed to the final one when all is there. So a folder of the final name is whole, and two makers at
 * once cost time and nothing else.
 */
export async function environmentOfLock(cacheFolder: string, wanted: LockedEnvironment): Promise<string> {
  const lock = await readLock(wanted);
  const environments = join(cacheFolder, 'environments');
  const key = sha256OfBytes([sha256OfBytes(lock), wanted.python.interpreter, platformName()].join('\n')).slice(0, 32);
  const final = join(environments, key);
  if (await isUsable(final, wanted)) return join(final, 'bin');
  await mkdir(environments, { recursive: true });
  await removeAbandoned(environments);
  const making = join(environments, `${makingPrefix}${randomUUID()}`);
  try {
    await make(making, wanted);
    await nameFinally(making, final);
    await takePlace(making, final, wanted);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return join(final, 'bin');
}

async function readLock({ lockPath, digest }: LockedEnvironment): Promise<Buffer> {
  const lock = await readFile(lockPath).catch((caught: unknown) => {
    throw new PerennialError(
      'environment-failed',
      'the lock that code.environment names cannot be read',
      { lockPath },
      { cause: caught },
    );
  });
  if (digest !== null && sha256OfBytes(lock) !== digest)
    throw new PerennialError(
      'digest-mismatch',
      'the lock of the training environment is not the one that its CodeVersion names',
      { expected: digest },
    );
  const text = lock.toString('utf8');
  const requires = text.split('\n').some((line) => /^\s*[A-Za-z0-9]/.test(line));
  if (requires && !/--hash[= ]/.test(text))
    throw new PerennialError('environment-failed', `the lock of the training environment has no hashes; ${wayOut}`, {});
  return lock;
}

/** Not: none there yet, or the Python that it was made from is gone. */
async function isUsable(final: string, { python, tools }: LockedEnvironment): Promise<boolean> {
  const found = await askPython(join(final, 'bin', 'python'), tools);
  return found?.interpreter === python.interpreter;
}

async function make(folder: string, wanted: LockedEnvironment): Promise<void> {
  const { python, lockPath, log } = wanted;
  log.system(
    `making the training environment of the lock with ${python.interpreter} on ${platformName()}; this happens once`,
  );
  await step(
    wanted,
    'python -m venv',
    python.executable,
    ['-I', '-m', 'venv', folder],
    'install what Python needs to make virtual environments (on Debian and Ubuntu: the package python3-venv)',
  );
  const pip = [
    '-I',
    '-m',
    'pip',
    'install',
    '--require-hashes',
    '--only-binary',
    ':all:',
    '--no-input',
    '--progress-bar',
    'off',
    '--disable-pip-version-check',
    '-r',
    lockPath,
  ];
  await step(
    wanted,
    'pip install',
    join(folder, 'bin', 'python'),
    pip,
    `see that every package in it has a wheel for ${python.interpreter} on ${platformName()} and a hash that fits, and that the package index answers; ${wayOut}`,
  );
}

async function step(
  { tools, log, signal }: LockedEnvironment,
  name: string,
  file: string,
  args: readonly string[],
  remedy: string,
): Promise<void> {
  const ending = await runSupervised({
    file,
    args,
    cwd: '/',
    env: tools,
    timeoutMs: stepTimeoutMs,
    signal,
    onOutput: log.write,
  });
  log.end();
  if (ending.kind === 'exited' && ending.exitCode === 0) return;
  if (ending.kind === 'aborted')
    throw new PerennialError('cancelled', 'making the training environment was cancelled', {});
  const how =
    ending.kind === 'timeout'
      ? `did not end within ${stepTimeoutMs / 60_000} minutes`
      : ending.kind === 'not-started'
        ? `did not start (${ending.reason})`
        : `ended with code ${ending.exitCode}`;
  const { lastLines } = log;
  throw new PerennialError(
    'environment-failed',
    `the training environment cannot be made from its lock: ${name} ${how}: ${lastLines.slice(-3).join(' | ')}. Way out: ${remedy}`,
    { lastLines },
  );
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

async function takePlace(making: string, final: string, wanted: LockedEnvironment): Promise<void> {
  try {
    await rename(making, final);
  } catch (caught) {
    // Another maker was first, or a broken one lies there.
    if (await isUsable(final, wanted)) return;
    const broken = join(dirname(final), `${makingPrefix}${randomUUID()}`);
    await rename(final, broken).catch(() => {
      throw caught;
    });
    await rename(making, final);
    await rm(broken, { recursive: true, force: true });
  }
}

async function removeAbandoned(environments: string): Promise<void> {
  for (const name of await readdir(environments)) {
    if (!name.startsWith(makingPrefix)) continue;
    const folder = join(environments, name);
    const made = await stat(folder).catch(() => null);
    if (made !== null && Date.now() - made.mtimeMs > abandonedAfterMs)
      await rm(folder, { recursive: true, force: true });
  }
}
