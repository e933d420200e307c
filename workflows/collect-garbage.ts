import { CancellationScope, continueAsNew, ContinueAsNew, workflowInfo } from '@temporalio/workflow';
import type { CollectionInput } from '../contracts/runs/workflows.ts';
import { collectionActivities } from './running/activity-proxies.ts';

/** Marks what is reachable, then sweeps the store page by page. Cut off anywhere, the next one goes on from there. */
export async function collectGarbage(input: CollectionInput): Promise<void> {
  const { collectionId } = await collectionActivities.beginCollection({ collectionId: input.collectionId });
  try {
    if (input.marked === undefined) await collectionActivities.markReachable({ collectionId });
    while (!(await collectionActivities.sweepGarbage({ collectionId })).done)
      if (workflowInfo().continueAsNewSuggested)
        await continueAsNew<typeof collectGarbage>({ schemaVersion: 1, collectionId, marked: true });
  } catch (caught) {
    if (caught instanceof ContinueAsNew) throw caught;
    const failure = 'it did not come to its end; the history of its workflow says why';
    await CancellationScope.nonCancellable(() => collectionActivities.endCollection({ collectionId, failure }));
    throw caught;
  }
  await collectionActivities.endCollection({ collectionId, failure: null });
}
