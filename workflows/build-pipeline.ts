import type { BuildOutcome, ResolvedBuild } from '../activities/activity-types.ts';
import type { PipelineInput } from '../contracts/workflows.ts';
import { retentionActivities, trainActivities } from './activities.ts';
import { runPipeline } from './run-pipeline.ts';
import { tellCommit } from './tell-commit.ts';

/** Resolve → materialise → train, or take what the training key finds → check the artifact → evaluate → gates. */
export async function buildPipeline(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  const build = async (): Promise<BuildOutcome> => {
    const environment = await trainActivities.materialiseEnvironment({ runId, scope });
    const resolved = await trainActivities.resolveBuild({ runId, scope, ...environment });
    const { plan, unchanged } = resolved;
    const reused = resolved.modelVersionId !== null;
    const modelVersionId = resolved.modelVersionId ?? (await trainAndCommit(input, plan));
    const evaluated = await trainActivities.evaluateVersion({ runId, scope, plan, modelVersionId, reused, unchanged });
    const outcome = await refitted(input, evaluated, resolved.refit);
    await retentionActivities.expireRejectedVersions({ runId, scope });
    return outcome;
  };
  await tellCommit(input, () => runPipeline(input, build));
}

/** Only what passed its gates is trained again, on all rows; else nobody knows how good it is. */
async function refitted(
  input: PipelineInput,
  evaluated: BuildOutcome,
  refit: ResolvedBuild['refit'],
): Promise<BuildOutcome> {
  const { evaluationId, decision } = evaluated;
  // A history from before there were refits has no such field.
  if (!refit || decision !== 'candidate' || evaluationId === null) return evaluated;
  const { runId, scope } = input;
  const modelVersionId = refit.modelVersionId ?? (await trainAndCommit(input, refit.plan));
  const reused = evaluated.reused && refit.modelVersionId !== null;
  return trainActivities.citeEvaluation({ runId, scope, evaluationId, modelVersionId, reused });
}

async function trainAndCommit({ runId, scope }: PipelineInput, plan: string): Promise<string> {
  const { trained } = await trainActivities.trainModel({ runId, scope, plan });
  const { modelVersionId } = await trainActivities.commitVersion({ runId, scope, plan, trained });
  return modelVersionId;
}
