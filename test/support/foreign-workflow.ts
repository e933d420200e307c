import { continueAsNew, proxyActivities } from '@temporalio/workflow';

interface Wanted {
  readonly activity: string;
  readonly taskQueue: string;
  readonly input: unknown;
}

/** A workflow from outside this project: it runs once the activity that its input names. */
export async function foreign(wanted: Wanted): Promise<unknown> {
  const { taskQueue, activity, input } = wanted;
  const once = { taskQueue, startToCloseTimeout: '60s', retry: { maximumAttempts: 1 } } as const;
  return proxyActivities<Record<string, (given: unknown) => Promise<unknown>>>(once)[activity]?.(input);
}

/** Runs the activity, continues as new, and runs it again in the new execution. */
export async function continued(wanted: Wanted, isSecond = false): Promise<unknown> {
  const answer = await foreign(wanted);
  return isSecond ? answer : continueAsNew<typeof continued>(wanted, true);
}
