import { proxyActivities } from '@temporalio/workflow';

/** A workflow of nobody's: it has a worker do whatever its starter says, once. */
export async function foreign(wanted: {
  readonly activity: string;
  readonly taskQueue: string;
  readonly input: unknown;
}): Promise<unknown> {
  const { taskQueue, activity, input } = wanted;
  const once = { taskQueue, startToCloseTimeout: '60s', retry: { maximumAttempts: 1 } } as const;
  return proxyActivities<Record<string, (given: unknown) => Promise<unknown>>>(once)[activity]?.(input);
}
