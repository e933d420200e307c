import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { BuildPlan } from '../../contracts/build-plan.ts';
import type { TrainedFiles } from '../../contracts/build-plan.ts';
import { durationMs } from '../../contracts/duration.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { TrainingResult } from '../../ports/trainer.ts';
import type { RunInput, TrainActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { readJson, storeJson, withWorkspace } from '../workspace.ts';
import { unpackCode } from './code-folder.ts';
import { RunLog } from './run-log.ts';

/** A training lease outlives any time limit; a newer attempt takes it over rather than waits for it. */
const leaseMs = 7 * 24 * 3_600_000;

export function trainingLease(runId: Id): string {
  return `train/${runId}`;
}

/** Runs the training command in a process group of its own and stores what it wrote; nobody has looked at it yet. */
export function createTrainModel(deps: ActivityDependencies): TrainActivities['trainModel'] {
  return async (input) => {
    const leaseHolder = `${activityInfo().activityId}/${activityInfo().attempt}/${deps.ids.next()}`;
    const until = new Date(Date.parse(deps.clock.now()) + leaseMs).toISOString();
    await deps.repositories.runs.takeLease(trainingLease(input.runId), leaseHolder, until);
    const log = new RunLog(deps, input.runId);
    try {
      return await withWorkspace(deps.scratchFolder, 'train', async (folder) => {
        const result = await train(deps, input, log, folder);
        return { trained: await storeResult(deps, result, leaseHolder) };
      });
    } finally {
      await log.close();
    }
  };
}

async function train(
  deps: ActivityDependencies,
  input: RunInput & { plan: string },
  log: RunLog,
  folder: string,
): Promise<TrainingResult> {
  const plan = await readJson(deps.objectStore, input.plan, BuildPlan);
  // By the plan and not by the heads: they may have moved since.
  const code = await deps.repositories.code.get(plan.codeVersionId);
  const { configuration } = await deps.repositories.models.configuration(plan.configurationId);
  const { params, seed, features, target } = plan.trainingKeyParts;
  const { codeFolder, lockPath } = await unpackCode(deps, code, folder);
  const signal = cancellationSignal();
  const environment = await deps.trainer.materialise(
    lockPath,
    code.manifest.environment?.lock ?? null,
    log.line,
    signal,
  );
  const trainPath = join(folder, 'train.parquet');
  await deps.objectStore.getFile(plan.train, trainPath);
  const validationPath = plan.validation === null ? null : join(folder, 'validation.parquet');
  if (plan.validation !== null && validationPath !== null)
    await deps.objectStore.getFile(plan.validation, validationPath);
  const attemptFolder = join(folder, 'attempt');
  await mkdir(attemptFolder);
  return deps.trainer.train({
    codeFolder,
    command: code.manifest.command,
    environment,
    trainPath,
    validationPath,
    params,
    seed,
    features,
    target,
    network: code.manifest.network,
    timeoutMs: durationMs(configuration.build.timeout),
    memoryBytes: bytesOf(configuration.build.resources.memory),
    attemptFolder,
    onLog: log.line,
    onProgress: log.progress,
    signal,
  });
}

/** `2GiB` as bytes. */
function bytesOf(size: string | undefined): number | null {
  if (size === undefined) return null;
  const units = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;
  const unit = size.endsWith('KiB') ? 'KiB' : size.endsWith('MiB') ? 'MiB' : 'GiB';
  return Number.parseInt(size, 10) * units[unit];
}

async function storeResult(deps: ActivityDependencies, result: TrainingResult, leaseHolder: string): Promise<string> {
  const artifact = await deps.objectStore.putFile(result.modelPath);
  const files: TrainedFiles['files'] = [];
  for (const { path, absolute } of result.files) files.push({ path, ...(await deps.objectStore.putFile(absolute)) });
  const trained: TrainedFiles = {
    schemaVersion: 1,
    artifact: artifact.sha256,
    artifactBytes: artifact.bytes,
    scriptMetrics: { ...result.metrics },
    files,
    leaseHolder,
  };
  return storeJson(deps.objectStore, trained);
}
