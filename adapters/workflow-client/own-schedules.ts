import type { Client, ScheduleOptions, Workflow } from '@temporalio/client';
import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Id } from '../../contracts/identifiers.ts';
import type { CollectionInput, SignHeadsInput } from '../../contracts/runs/workflows.ts';
import {
  collectionsName,
  collectionWorkflow,
  ledgerHeadsName,
  signHeadsWorkflow,
  workflowQueue,
} from '../../contracts/runs/workflows.ts';

/** A scheduled task of the platform for the whole installation, independent of its models. */
interface OwnWork {
  /** Name of the schedule and prefix of its workflow ids. */
  readonly name: string;
  readonly workflowType: string;
  readonly args: readonly [CollectionInput | SignHeadsInput];
  readonly staticSummary: string;
  readonly staticDetails: string;
}

export const collections: OwnWork = {
  name: collectionsName,
  workflowType: collectionWorkflow,
  args: [{ schemaVersion: 1, collectionId: null }],
  staticSummary: 'collect garbage',
  staticDetails:
    'Removes from the object store all bytes to which no row of the database refers. `perennial gc --list` shows what was removed.',
};

export const signing: OwnWork = {
  name: ledgerHeadsName,
  workflowType: signHeadsWorkflow,
  args: [{ schemaVersion: 1 }],
  staticSummary: 'sign the heads of the ledger',
  staticDetails:
    'Signs the last entry of every chain and copies it to the object store. `perennial ledger verify` compares the chains with these copies.',
};

export async function startCollection(client: Client, collectionId: Id): Promise<void> {
  const input: CollectionInput = { schemaVersion: 1, collectionId };
  const { staticSummary, staticDetails } = collections;
  await client.workflow.start(collectionWorkflow, {
    workflowId: `${collectionsName}/${collectionId}`,
    workflowIdConflictPolicy: 'USE_EXISTING',
    taskQueue: workflowQueue,
    args: [input],
    staticSummary,
    staticDetails,
  });
}

/** Creates or updates the schedule. With null, removes it. */
export async function scheduleOwn(client: Client, work: OwnWork, cron: string | null): Promise<void> {
  const handle = client.schedule.getHandle(work.name);
  try {
    if (cron === null) await handle.delete();
    else await client.schedule.create<Workflow>(scheduleOf(work, cron));
  } catch (caught) {
    if (caught instanceof ScheduleNotFoundError && cron === null) return;
    if (!(caught instanceof ScheduleAlreadyRunning) || cron === null) throw caught;
    const { spec, action, policies } = scheduleOf(work, cron);
    // The state is not changed, so a schedule that was paused by hand stays paused.
    await handle.update<Workflow>((before) => ({ ...before, spec, action, policies }));
  }
}

/**
 * How far back Temporal makes up for missed firings. After the machine was off, each schedule fires only once: SKIP
 * drops all but one of the missed firings.
 */
const catchupWindow = '31 days';

function scheduleOf({ name, workflowType, args, staticSummary, staticDetails }: OwnWork, cron: string) {
  return {
    scheduleId: name,
    spec: { cronExpressions: [cron] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow },
    action: {
      type: 'startWorkflow',
      workflowType,
      workflowId: `${name}/scheduled`,
      taskQueue: workflowQueue,
      args: [...args],
      staticSummary,
      staticDetails,
    },
  } satisfies ScheduleOptions;
}
