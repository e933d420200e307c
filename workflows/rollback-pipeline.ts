import type { PipelineInput } from '../contracts/runs/workflows.ts';
import { deployActivities } from './running/activity-proxies.ts';
import { loadOnGateways } from './deploying/load-on-gateways.ts';
import { runPipeline } from './running/run-pipeline.ts';

/** The release before, or a named one, serves again; done when the gateways have it. */
export async function rollbackPipeline(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  await runPipeline(input, async () => {
    const outcome = await deployActivities.rollBack({ runId, scope });
    await loadOnGateways({ runId, scope }, outcome.generation);
    return outcome;
  });
}
