import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ToolVariables } from '../../../adapters/environments/tool-environment.ts';
import { createDiskObjectStore } from '../../../adapters/object-store/disk.ts';
import type { Sandbox } from '../../../adapters/sandbox/sandbox.ts';
import { createLocalTrainer } from '../../../adapters/trainers/local/local-trainer.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Sha256 } from '../../../contracts/identifiers.ts';
import type { CheckJob, CheckResult, TrainingJob, TrainingResult } from '../../../contracts/models/training-job.ts';
import type { Environments } from '../../../ports/environments.ts';
import type { ObjectStore } from '../../../ports/object-store.ts';
import type { Trainer, TrainerCall } from '../../../ports/trainer.ts';
import { layTestSandbox, type SandboxKind } from '../../support/lay-sandbox.ts';
import { localParts } from '../../support/local-parts.ts';
import type { CodeFiles, JobChanges } from '../../support/training-jobs.ts';
import { trainingJobOf } from '../../support/training-jobs.ts';

export interface TrainingGround {
  readonly folder: string;
  readonly store: ObjectStore;
  readonly trainer: Trainer;
  readonly environments: Environments;
  readonly sandbox: Sandbox;
  readonly lines: string[];
  readonly progress: [number, string][];
  /** Creates a job whose code holds these files. */
  job(files: CodeFiles, changes?: JobChanges): Promise<TrainingJob>;
  /** Trains, and collects the log in `lines` and the progress in `progress`. */
  train(job: TrainingJob, signal?: AbortSignal): Promise<TrainingResult>;
  check(job: CheckJob, signal?: AbortSignal): Promise<CheckResult>;
  text(sha256: Sha256): Promise<string>;
  remove(): Promise<void>;
}

/** Creates the folder, stores and trainer that a training needs. `environment` is the worker's environment. */
export async function layTrainingGround(
  kind: SandboxKind,
  environment: ToolVariables = process.env,
): Promise<TrainingGround> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'perennial-trainer-')));
  const { sandbox, remove } = await layTestSandbox(kind);
  const store = createDiskObjectStore(join(folder, 'blobs'));
  const parts = localParts(folder, store, sandbox, environment);
  const trainer = createLocalTrainer(parts);
  const lines: string[] = [];
  const progress: [number, string][] = [];
  const call = (signal = new AbortController().signal): TrainerCall => ({
    onLog: ({ stream, line }) => lines.push(`${stream}: ${line}`),
    onProgress: (fraction, message) => progress.push([fraction, message]),
    signal,
  });
  return {
    folder,
    store,
    trainer,
    environments: parts.environments,
    sandbox,
    lines,
    progress,
    job: (files, jobChanges) => trainingJobOf(store, files, jobChanges),
    train: (job, signal) => trainer.train(job, call(signal)),
    check: (job, signal) => trainer.check(job, call(signal)),
    text: async (sha256) => (await store.read(sha256)).toString('utf8'),
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

/** Returns a number of seconds that no other process on this machine passes to `sleep`. */
export function uniqueSeconds(): string {
  return String(randomInt(100_000_000, 999_999_999));
}

export function processesThatMention(text: string): string[] {
  return execFileSync('ps', ['-A', '-ww', '-o', 'pid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(text) && !/^\s*\d+\s+Z/.test(line));
}
