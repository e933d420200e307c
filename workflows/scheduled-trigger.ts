import { workflowInfo } from '@temporalio/workflow';
import type { ScheduledTriggerInput } from '../contracts/runs/workflows.ts';
import { lifecycleSteps } from '../contracts/pipelines/lifecycle-steps.ts';
import { stepsOf } from './running/step-proxies.ts';

const steps = stepsOf(lifecycleSteps);

/** What a Temporal Schedule starts: one `schedule` trigger a firing, however often it is tried. */
export async function scheduledTrigger(input: ScheduledTriggerInput): Promise<void> {
  await steps.recordScheduleTrigger({
    scope: input.scope,
    schedule: input.schedule,
    firing: workflowInfo().workflowId,
  });
}
