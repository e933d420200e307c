import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { basename, join } from 'node:path';
import { BuildPlan } from '../../../contracts/models/build-plan.ts';
import type { TrainedFiles } from '../../../contracts/models/build-plan.ts';
import type { Id } from '../../../contracts/identifiers.ts';
import type { TrainingResult } from '../../../ports/trainer.ts';
import type { RunInput, TrainActivities } from '../../activity-types.ts';
import type { ActivityDependencies, StoringDependencies } from '../../activity-dependencies.ts';
import { readJson, storeJson, withWorkspace } from '../../steps/workspace.ts';
import { RunLog } from '../../steps/run-log.ts';
import { layScriptGround } from './script-ground.ts';

/** A training lease outlives any time limit; a newer attempt takes it over rather than waits for it. */
const leaseMs = 7 * 24 * 3_600_000;

export function trainingLease(runId: Id): string {
  return `train/${runId}`;
}

/** Runs the training command in a process group of its own and stores what it wrote; nobody has looked at it yet. */
export function createTrainModel(deps: StoringDependencies): TrainActivities['trainModel'] {
  return async (input) => {
    const leaseHolder = `${activityInfo().activityId}/${activityInfo().attempt}/${deps.ids.next()}`;
    const until = new Date(Date.parse(deps.clock.now()) + leaseMs).toISOString();
    const { recordedBy } = await deps.repositories.runs.get(input.runId);
    await deps.repositories.runs.takeLease(trainingLease(input.runId), leaseHolder, until, recordedBy);
    const log = new RunLog(deps, input.runId);
    // Starts a computing process now, so that the measurement after training does not wait for it.
    deps.computing?.prepare();
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
  const ground = await layScriptGround(deps, plan, { folder, log, signal: cancellationSignal() });
  const trainPath = join(folder, 'train.parquet');
  await deps.objectStore.getFile(plan.train, trainPath);
  const validationPath = plan.validation === null ? null : join(folder, 'validation.parquet');
  if (plan.validation !== null && validationPath !== null)
    await deps.objectStore.getFile(plan.validation, validationPath);
  return deps.trainer.train({
    ...(await ground.job('attempt')),
    command: ground.code.manifest.command,
    timeoutMs: ground.trainingTimeoutMs,
    trainPath,
    validationPath,
  });
}

async function storeResult(deps: StoringDependencies, result: TrainingResult, leaseHolder: string): Promise<string> {
  const artifact = await deps.objectStore.putFile(result.modelPath);
  const files: TrainedFiles['files'] = [];
  for (const { path, absolute } of result.files) files.push({ path, ...(await deps.objectStore.putFile(absolute)) });
  const trained: TrainedFiles = {
    schemaVersion: 1,
    artifact: artifact.sha256,
    artifactPath: basename(result.modelPath),
    artifactBytes: artifact.bytes,
    scriptMetrics: { ...result.metrics },
    files,
    leaseHolder,
  };
  return storeJson(deps.objectStore, trained);
}
