import { proxyActivities } from '@temporalio/workflow';

/** Four steps that do nothing, as Temporal's own samples write them. */
export async function bareSteps(taskQueue: string): Promise<void> {
  const options = { startToCloseTimeout: '1 minute', taskQueue } as const;
  const { doNothing } = proxyActivities<{ doNothing(): Promise<void> }>(options);
  for (let step = 0; step < 4; step += 1) await doNothing();
}
