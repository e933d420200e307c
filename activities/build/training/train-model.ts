import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { BuildPlan } from '../../../contracts/models/build-plan.ts';
import type { TrainedFiles } from '../../../contracts/models/build-plan.ts';
import type { Id, Sha256 } from '../../../contracts/identifiers.ts';
import type { TrainingResult } from '../../../contracts/models/training-job.ts';
import type { Activities } from '../../../contracts/pipelines/steps.ts';
import type { StoringDependencies } from '../../activity-dependencies.ts';
import { readJson, storeJson } from '../../steps/workspace.ts';
import { RunLog } from '../../steps/run-log.ts';
import { scriptJobOf } from './script-job.ts';

/**
 * Longer than any time limit of a training step. A newer attempt takes over the lease and does not wait for it to
 * expire.
 */
const leaseMs = 7 * 24 * 3_600_000;

export function trainingLease(runId: Id): string {
  return `train/${runId}`;
}

/** Has the trainer run the training command. The stored output has not been inspected yet. */
export function createTrainModel(deps: StoringDependencies): Activities['trainModel'] {
  return async (input) => {
    const leaseHolder = `${activityInfo().activityId}/${activityInfo().attempt}/${deps.ids.next()}`;
    const until = new Date(Date.parse(deps.clock.now()) + leaseMs).toISOString();
    const { recordedBy } = await deps.repositories.runs.get(input.runId);
    await deps.repositories.runs.takeLease(trainingLease(input.runId), leaseHolder, until, recordedBy);
    const log = new RunLog(deps, input.runId);
    // Starts a computing process now, so that the measurement after training does not wait for it.
    deps.computing?.prepare();
    try {
      const result = await train(deps, input.plan, log);
      return { trained: await storeJson(deps.objectStore, trainedFilesOf(result, leaseHolder)) };
    } finally {
      await log.close();
    }
  };
}

async function train(deps: StoringDependencies, planDigest: Sha256, log: RunLog): Promise<TrainingResult> {
  const plan = await readJson(deps.objectStore, planDigest, BuildPlan);
  const rows = { train: plan.train, validation: plan.validation };
  return deps.trainer.train(
    { ...(await scriptJobOf(deps, plan)), rows },
    { onLog: log.line, onProgress: log.progress, signal: cancellationSignal() },
  );
}

function trainedFilesOf({ artifact, metrics, files }: TrainingResult, leaseHolder: string): TrainedFiles {
  return {
    schemaVersion: 1,
    artifact: artifact.sha256,
    artifactPath: artifact.path,
    artifactBytes: artifact.bytes,
    scriptMetrics: metrics,
    files,
    leaseHolder,
  };
}
