import type { Client, ScheduleOptions, Workflow } from '@temporalio/client';
import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Id } from '../../contracts/identifiers.ts';
import type { CollectionInput } from '../../contracts/workflows.ts';
import { collectionsName, collectionWorkflow, workflowQueue } from '../../contracts/workflows.ts';

const staticSummary = 'collect garbage';
const staticDetails =
  'Removes from the object store what no row of the database names. `perennial gc --list` tells what was removed.';

export async function startCollection(client: Client, collectionId: Id): Promise<void> {
  const input: CollectionInput = { schemaVersion: 1, collectionId };
  await client.workflow.start(collectionWorkflow, {
    workflowId: `${collectionsName}/${collectionId}`,
    workflowIdConflictPolicy: 'USE_EXISTING',
    taskQueue: workflowQueue,
    args: [input],
    staticSummary,
    staticDetails,
  });
}

/** Makes the schedule or changes it; null removes it. */
export async function scheduleCollections(client: Client, cron: string | null): Promise<void> {
  const handle = client.schedule.getHandle(collectionsName);
  try {
    if (cron === null) await handle.delete();
    else await client.schedule.create<Workflow>(scheduleOf(cron));
  } catch (caught) {
    if (caught instanceof ScheduleNotFoundError && cron === null) return;
    if (!(caught instanceof ScheduleAlreadyRunning) || cron === null) throw caught;
    const { spec, action } = scheduleOf(cron);
    // Whoever paused it by hand finds it paused.
    await handle.update<Workflow>((before) => ({ ...before, spec, action }));
  }
}

function scheduleOf(cron: string) {
  const input: CollectionInput = { schemaVersion: 1, collectionId: null };
  return {
    scheduleId: collectionsName,
    spec: { cronExpressions: [cron] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 hour' },
    action: {
      type: 'startWorkflow',
      workflowType: collectionWorkflow,
      workflowId: `${collectionsName}/scheduled`,
      taskQueue: workflowQueue,
      args: [input],
      staticSummary,
      staticDetails,
    },
  } satisfies ScheduleOptions;
}
