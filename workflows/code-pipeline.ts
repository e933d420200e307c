import type { PipelineInput } from '../contracts/workflows.ts';
import { dataActivities } from './activities.ts';
import { runPipeline } from './run-pipeline.ts';

/** Makes the uploaded archive canonical, commits a CodeVersion and moves the environment's code head. */
export async function codePipeline(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  await runPipeline(input, () => dataActivities.commitCode({ runId, scope }));
}
