import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EnvironmentJob, JobFile } from '../../../contracts/models/training-job.ts';
import type { Environments, TrainingEnvironment } from '../../../ports/environments.ts';
import type { ObjectStore } from '../../../ports/object-store.ts';
import type { TrainerCall } from '../../../ports/trainer.ts';
import type { GivenFile } from './script-environment.ts';
import type { CodeReaders } from './unpack-code.ts';
import { unpackCode } from './unpack-code.ts';

/** What jobs read from and write to. */
export interface JobParts extends CodeReaders {
  readonly objectStore: ObjectStore;
  readonly environments: Environments;
  /** Folder in which the folders of attempts are made. */
  readonly scratchFolder: string;
}

/** A job's code as a folder on this machine, with its environment. */
export interface Attempt {
  /** Folder of this attempt alone, which is removed when the attempt ends. */
  readonly folder: string;
  /** Folder of the unpacked code, which the script sees read-only. */
  readonly codeFolder: string;
  readonly environment: TrainingEnvironment;
}

export async function withAttempt<Result>(
  parts: JobParts,
  job: EnvironmentJob,
  call: Omit<TrainerCall, 'onProgress'>,
  work: (attempt: Attempt) => Promise<Result>,
): Promise<Result> {
  await mkdir(parts.scratchFolder, { recursive: true });
  const folder = await mkdtemp(join(parts.scratchFolder, 'attempt-'));
  try {
    const { codeFolder, lockPath } = await unpackCode(parts, job.code, folder);
    const environment = await makeEnvironment(parts.environments, job, lockPath, call);
    return await work({ folder, codeFolder, environment });
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function makeEnvironment(
  environments: Environments,
  { code: { environment, allowBuilds } }: EnvironmentJob,
  lockPath: string | null,
  { onLog, signal }: Omit<TrainerCall, 'onProgress'>,
): Promise<TrainingEnvironment> {
  const call = { allowBuilds: allowBuilds === true, onLog, signal };
  return environments.materialise(lockPath, environment?.lock ?? null, call);
}

/** Downloads the files that a script is given and checks their digests. */
export async function fetchGiven(
  { objectStore }: Pick<JobParts, 'objectStore'>,
  files: readonly JobFile[],
  { folder }: Pick<Attempt, 'folder'>,
): Promise<readonly GivenFile[]> {
  const given: GivenFile[] = [];
  for (const { variable, name, sha256 } of files) {
    const path = join(folder, 'given', name);
    await objectStore.getFile(sha256, path);
    given.push({ variable, name, path });
  }
  return given;
}
