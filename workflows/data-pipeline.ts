import type { PipelineInput } from '../contracts/runs/workflows.ts';
import { dataRuns } from '../contracts/pipelines/data-runs.ts';
import { runPipeline } from './running/run-pipeline.ts';
import { stepsOf } from './running/step-proxies.ts';

const steps = stepsOf(dataRuns);

/**
 * Fetch (unless uploaded) → ingest → validate → profile → commit a DatasetVersion and move the environment's data head.
 */
export async function dataPipeline(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  await runPipeline(input, async () => {
    const { fetched } = await steps.fetchSource({ runId, scope });
    const { staged } = await steps.prepareDataset({ runId, scope, fetched });
    const { profile } = await steps.profileDataset({ runId, scope, staged });
    return steps.commitDataset({ runId, scope, staged, profile });
  });
}
