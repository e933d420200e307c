import type { PipelineInput } from '../contracts/runs/workflows.ts';
import { monitorRuns } from '../contracts/pipelines/monitor-runs.ts';
import { runPipeline } from './running/run-pipeline.ts';
import { stepsOf } from './running/step-proxies.ts';

const steps = stepsOf(monitorRuns);

/** Window of what was served, joined with labels → tests → report → findings and triggers. */
export async function monitorPipeline(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  await runPipeline(input, async () => {
    const { window } = await steps.collectWindow({ runId, scope });
    const outcome = await steps.reportWindow({ runId, scope, window });
    if (outcome.opened + outcome.closed > 0) await steps.notifyOfReport({ runId, scope, reportId: outcome.reportId });
    await steps.expirePredictions({ runId, scope });
    return outcome;
  });
}
