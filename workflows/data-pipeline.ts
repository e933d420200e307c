import type { PipelineInput } from '../contracts/runs/workflows.ts';
import { dataActivities } from './running/activity-proxies.ts';
import { runPipeline } from './running/run-pipeline.ts';

/** Fetch what was not uploaded → ingest → validate → profile → commit a DatasetVersion and move the environment's data head. */
export async function dataPipeline(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  await runPipeline(input, async () => {
    const { fetched } = await dataActivities.fetchSource({ runId, scope });
    const { staged } = await dataActivities.prepareDataset({ runId, scope, fetched });
    const { profile } = await dataActivities.profileDataset({ runId, scope, staged });
    return dataActivities.commitDataset({ runId, scope, staged, profile });
  });
}
