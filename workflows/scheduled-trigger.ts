import { workflowInfo } from '@temporalio/workflow';
import type { ScheduledTriggerInput } from '../contracts/runs/workflows.ts';
import { lifecycleSteps } from '../contracts/pipelines/lifecycle-steps.ts';
import { stepsOf } from './running/step-proxies.ts';

const steps = stepsOf(lifecycleSteps);

/** Started by a Temporal Schedule. Records one `schedule` trigger per firing, however often it is attempted. */
export async function scheduledTrigger(input: ScheduledTriggerInput): Promise<void> {
  await steps.recordScheduleTrigger({
    scope: input.scope,
    schedule: input.schedule,
    firing: workflowInfo().workflowId,
  });
}
