import type { BuildOutcome, ResolvedBuild, TrainActivities } from '../activities/activity-types.ts';
import type { PipelineInput } from '../contracts/runs/workflows.ts';
import { queueActivities, retentionActivities, trainActivitiesOn } from './running/activity-proxies.ts';
import { runPipeline } from './running/run-pipeline.ts';
import { tellCommit } from './running/tell-commit.ts';

/** Resolve → materialise → train, or take what the training key finds → check the artifact → evaluate → gates. */
export async function buildPipeline(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  const build = async (): Promise<BuildOutcome> => {
    const { queue } = await queueActivities.queueOfBuild({ runId, scope });
    const train = trainActivitiesOn(queue);
    const environment = await train.materialiseEnvironment({ runId, scope });
    const resolved = await train.resolveBuild({ runId, scope, ...environment });
    const { plan, unchanged } = resolved;
    const reused = resolved.modelVersionId !== null;
    const modelVersionId = resolved.modelVersionId ?? (await trainAndCommit(input, train, plan));
    const evaluated = await train.evaluateVersion({ runId, scope, plan, modelVersionId, reused, unchanged });
    const outcome = await refitted(input, train, evaluated, resolved.refit);
    await retentionActivities.expireRejectedVersions({ runId, scope });
    return outcome;
  };
  await tellCommit(input, () => runPipeline(input, build));
}

/** Only what passed its gates is trained again, on all rows; else nobody knows how good it is. */
async function refitted(
  input: PipelineInput,
  train: TrainActivities,
  evaluated: BuildOutcome,
  refit: ResolvedBuild['refit'],
): Promise<BuildOutcome> {
  const { evaluationId, decision } = evaluated;
  if (refit === null || decision !== 'candidate' || evaluationId === null) return evaluated;
  const { runId, scope } = input;
  const modelVersionId = refit.modelVersionId ?? (await trainAndCommit(input, train, refit.plan));
  const reused = evaluated.reused && refit.modelVersionId !== null;
  return train.citeEvaluation({ runId, scope, evaluationId, modelVersionId, reused });
}

async function trainAndCommit({ runId, scope }: PipelineInput, train: TrainActivities, plan: string): Promise<string> {
  const { trained } = await train.trainModel({ runId, scope, plan });
  const { modelVersionId } = await train.commitVersion({ runId, scope, plan, trained });
  return modelVersionId;
}
