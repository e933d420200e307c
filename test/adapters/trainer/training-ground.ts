import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findOnPath } from '../../../adapters/trainer/python.ts';
import { createProcessTrainer } from '../../../adapters/trainer/process.ts';
import { whySandboxFails } from '../../../adapters/trainer/sandbox.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Trainer, TrainingJob } from '../../../ports/trainer.ts';

const path = process.env.PATH ?? '';
const bubblewrap = await findOnPath('bwrap', path);
const whyNoSandbox = bubblewrap === null ? 'bubblewrap is not installed' : await whySandboxFails(bubblewrap);

export interface Ground {
  readonly folder: string;
  readonly trainer: Trainer;
  readonly lines: string[];
  readonly progress: [number, string][];
  /** A job whose code folder holds these files. */
  job(files: Readonly<Record<string, string>>, changes?: Partial<TrainingJob>): Promise<TrainingJob>;
  remove(): Promise<void>;
}

/** A folder with what a training needs, and the trainer as a worker has it. */
export async function layGround(kind: 'bubblewrap' | 'process-group'): Promise<Ground> {
  if (kind === 'bubblewrap' && process.platform === 'linux' && whyNoSandbox !== null)
    throw new Error(`the tests of the sandbox want bubblewrap (apt-get install bubblewrap): ${whyNoSandbox}`);
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'perennial-trainer-')));
  const environment =
    kind === 'bubblewrap' ? process.env : { ...process.env, PATH: await pathWithoutBubblewrap(folder) };
  const trainer = createProcessTrainer({ cacheFolder: join(folder, 'cache'), environment });
  const lines: string[] = [];
  const progress: [number, string][] = [];
  let jobs = 0;
  const job: Ground['job'] = async (files, changes = {}) => {
    const at = join(folder, `job-${(jobs += 1)}`);
    const [codeFolder, attemptFolder, trainPath] = ['code', 'attempt', 'train.parquet'].map((name) => join(at, name));
    await mkdir(codeFolder!, { recursive: true });
    await mkdir(attemptFolder!);
    await writeFile(trainPath!, 'rows');
    for (const [name, text] of Object.entries(files)) await writeFile(join(codeFolder!, name), text);
    const signal = new AbortController().signal;
    return {
      codeFolder: codeFolder!,
      command: 'train.py' in files ? ['python3', 'train.py'] : ['sh', 'train.sh'],
      environment: await trainer.materialise(null, null, () => undefined, signal),
      trainPath: trainPath!,
      validationPath: null,
      params: { depth: 3 },
      seed: 7,
      features: ['temp', 'a "quoted", name'],
      target: 'cnt',
      network: false,
      timeoutMs: 30_000,
      memoryBytes: null,
      processesAtMost: 500,
      diskBytesAtMost: 2 ** 30,
      attemptFolder: attemptFolder!,
      onLog: ({ stream, line }) => lines.push(`${stream}: ${line}`),
      onProgress: (fraction, message) => progress.push([fraction, message]),
      signal,
      ...changes,
    };
  };
  return { folder, trainer, lines, progress, job, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** The programs that the scripts of these tests start, and no other. */
async function pathWithoutBubblewrap(folder: string): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  for (const name of ['sh', 'cat', 'env', 'ln', 'mkdir', 'sleep'])
    await symlink((await findOnPath(name, path))!, join(bin, name));
  const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  await writeFile(join(bin, 'python3'), `#!/bin/sh\nexec '${python}' "$@"\n`, { mode: 0o755 });
  return bin;
}

export async function failureOf(promise: Promise<unknown>): Promise<PerennialError> {
  const caught = await promise.then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  );
  if (caught instanceof PerennialError) return caught;
  throw caught;
}

/** A number of seconds that no other process on this machine sleeps for. */
export function uniqueSeconds(): string {
  return String(randomInt(100_000_000, 999_999_999));
}

export function processesThatMention(text: string): string[] {
  return execFileSync('ps', ['-A', '-ww', '-o', 'pid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(text) && !/^\s*\d+\s+Z/.test(line));
}

/** Waits until the condition holds; says what it waited for when it never does. */
export async function until(what: string, holds: () => boolean, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms`);
    await wait(20);
  }
}
