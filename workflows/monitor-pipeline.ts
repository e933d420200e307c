import type { PipelineInput } from '../contracts/runs/workflows.ts';
import { monitorActivities, retentionActivities } from './running/activity-proxies.ts';
import { runPipeline } from './running/run-pipeline.ts';

/** Window of what was served, labels joined → tests → report → findings and triggers. */
export async function monitorPipeline(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  await runPipeline(input, async () => {
    const { window } = await monitorActivities.collectWindow({ runId, scope });
    const outcome = await monitorActivities.reportWindow({ runId, scope, window });
    if (outcome.kind === 'monitor' && outcome.opened + outcome.closed > 0)
      await monitorActivities.notifyOfReport({ runId, scope, reportId: outcome.reportId });
    await retentionActivities.expirePredictions({ runId, scope });
    return outcome;
  });
}
