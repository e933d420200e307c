import type { PipelineInput } from '../contracts/workflows.ts';
import { retentionActivities, trainActivities } from './activities.ts';
import { runPipeline } from './run-pipeline.ts';

/** Resolve → materialise → train, or take what the training key finds → check the artifact → evaluate → gates. */
export async function buildPipeline(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  await runPipeline(input, async () => {
    const environment = await trainActivities.materialiseEnvironment({ runId, scope });
    const resolved = await trainActivities.resolveBuild({ runId, scope, ...environment });
    const { plan, unchanged } = resolved;
    const reused = resolved.modelVersionId !== null;
    const modelVersionId = resolved.modelVersionId ?? (await trainAndCommit(input, plan));
    const outcome = await trainActivities.evaluateVersion({ runId, scope, plan, modelVersionId, reused, unchanged });
    await retentionActivities.expireRejectedVersions({ runId, scope });
    return outcome;
  });
}

async function trainAndCommit({ runId, scope }: PipelineInput, plan: string): Promise<string> {
  const { trained } = await trainActivities.trainModel({ runId, scope, plan });
  const { modelVersionId } = await trainActivities.commitVersion({ runId, scope, plan, trained });
  return modelVersionId;
}
