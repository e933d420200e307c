import { proxyActivities } from '@temporalio/workflow';

const { doNothing } = proxyActivities<{ doNothing(): Promise<void> }>({ startToCloseTimeout: '1 minute' });

/** Four steps that do nothing, as Temporal's own samples write them. */
export async function bareSteps(): Promise<void> {
  for (let step = 0; step < 4; step += 1) await doNothing();
}
