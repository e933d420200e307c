import type { PipelineInput } from '../contracts/runs/workflows.ts';
import { dataActivities } from './running/activity-proxies.ts';
import { runPipeline } from './running/run-pipeline.ts';
import { tellCommit } from './running/tell-commit.ts';

/** Makes what was uploaded, or is in git, a canonical archive, commits a CodeVersion and moves the environment's code head. */
export async function codePipeline(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  await tellCommit(input, () => runPipeline(input, () => dataActivities.commitCode({ runId, scope })));
}
