import { CancellationScope, continueAsNew, ContinueAsNew, workflowInfo } from '@temporalio/workflow';
import type { CollectionInput } from '../contracts/runs/workflows.ts';
import { installationSteps } from '../contracts/pipelines/installation-steps.ts';
import { stepsOf } from './running/step-proxies.ts';

const steps = stepsOf(installationSteps);

/**
 * Marks what is reachable, then sweeps the store page by page. After an interruption, the next execution continues
 * where this one stopped.
 */
export async function collectGarbage(input: CollectionInput): Promise<void> {
  const { collectionId } = await steps.beginCollection({ collectionId: input.collectionId });
  try {
    if (input.marked === undefined) await steps.markReachable({ collectionId });
    while (!(await steps.sweepGarbage({ collectionId })).done)
      if (workflowInfo().continueAsNewSuggested)
        await continueAsNew<typeof collectGarbage>({ schemaVersion: 1, collectionId, marked: true });
  } catch (caught) {
    if (caught instanceof ContinueAsNew) throw caught;
    const failure = 'the collection stopped before its end; the history of its workflow shows the reason';
    await CancellationScope.nonCancellable(() => steps.endCollection({ collectionId, failure }));
    throw caught;
  }
  await steps.endCollection({ collectionId, failure: null });
}
