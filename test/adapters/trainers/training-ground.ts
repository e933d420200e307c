import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LookAroundSettings } from '../../../adapters/sandbox/look-around.ts';
import type { Sandbox } from '../../../adapters/sandbox/sandbox.ts';
import { createEnvironments } from '../../../adapters/environments/environments.ts';
import { createProcessTrainer } from '../../../adapters/trainers/local/local-trainer.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Trainer, TrainingJob } from '../../../ports/trainer.ts';
import { layTestSandbox, type SandboxKind } from '../../support/lay-sandbox.ts';

export interface TrainingGround {
  readonly folder: string;
  readonly trainer: Trainer;
  readonly sandbox: Sandbox;
  readonly lines: string[];
  readonly progress: [number, string][];
  /** A job whose code folder holds these files. */
  job(files: Readonly<Record<string, string>>, changes?: Partial<TrainingJob>): Promise<TrainingJob>;
  remove(): Promise<void>;
}

/** A folder with what a training needs, and the trainer as a worker has it. */
export async function layTrainingGround(
  kind: SandboxKind,
  settings: Partial<LookAroundSettings> = {},
): Promise<TrainingGround> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'perennial-trainer-')));
  const { sandbox, remove } = await layTestSandbox(kind, settings);
  const trainer = createProcessTrainer({ path: process.env.PATH, sandbox });
  const environments = createEnvironments({
    cacheFolder: join(folder, 'cache'),
    workFolder: join(folder, 'work'),
    environment: process.env,
    sandbox,
  });
  const lines: string[] = [];
  const progress: [number, string][] = [];
  let jobs = 0;
  const job: TrainingGround['job'] = async (files, changes = {}) => {
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
      environment: await environments.materialise(null, null, { allowBuilds: false, onLog: () => undefined, signal }),
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
      filesAtMost: 100_000,
      attemptFolder: attemptFolder!,
      onLog: ({ stream, line }) => lines.push(`${stream}: ${line}`),
      onProgress: (fraction, message) => progress.push([fraction, message]),
      signal,
      ...changes,
    };
  };
  return {
    folder,
    trainer,
    sandbox,
    lines,
    progress,
    job,
    remove: async () => {
      await remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
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
