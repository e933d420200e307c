import { workflowInfo } from '@temporalio/workflow';
import type { ScheduledTriggerInput } from '../contracts/runs/workflows.ts';
import { lifecycleActivities } from './running/activity-proxies.ts';

/** What a Temporal Schedule starts: one `schedule` trigger a firing, however often it is tried. */
export async function scheduledTrigger(input: ScheduledTriggerInput): Promise<void> {
  await lifecycleActivities.recordScheduleTrigger({
    scope: input.scope,
    schedule: input.schedule,
    firing: workflowInfo().workflowId,
  });
}
