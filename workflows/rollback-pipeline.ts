import type { PipelineInput } from '../contracts/runs/workflows.ts';
import { rollbackRuns } from '../contracts/pipelines/rollback-runs.ts';
import { loadOnGateways } from './deploying/load-on-gateways.ts';
import { runPipeline } from './running/run-pipeline.ts';
import { stepsOf } from './running/step-proxies.ts';

const steps = stepsOf(rollbackRuns);

/** Makes the previous or a named release serve again, and waits until the gateways have loaded it. */
export async function rollbackPipeline(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  await runPipeline(input, async () => {
    const outcome = await steps.rollBack({ runId, scope });
    await loadOnGateways({ runId, scope }, outcome.generation);
    return outcome;
  });
}
