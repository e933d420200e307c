import type { Id } from '../identifiers.ts';
import { collectionsName, firedAt, ledgerHeadsName } from '../runs/workflows.ts';
import { isDueAt } from '../time/firings.ts';
import { type AskingExecution, type StepGroup, stepOfNone } from './step.ts';

type OfCollection = { readonly collectionId: Id };

interface SignedHeads {
  readonly next: string | null;
  readonly signed: number;
  readonly refused: number;
}

const ofCollection = 'a workflow of collections asks; the collection is under way';

/** Steps of the whole installation, of no model and no run: collecting garbage and signing heads of the ledger. */
export const installationSteps = {
  queue: 'monitor',
  limits: { attempt: '1h', altogether: '28h' },
  steps: {
    /** null: a schedule wants one; the one under way, if there is one, goes on. */
    beginCollection: stepOfNone<{ readonly collectionId: Id | null }, OfCollection>({
      summary: 'begin a collection',
      proves: "a firing of the worker's schedule asks, or it is of a collection that was asked for; one runs at a time",
      complaint: ({ collectionId }, { workflowId }, { collectionSchedule }) =>
        collectionId !== null || isScheduledCollection(workflowId, collectionSchedule)
          ? undefined
          : `no schedule of this worker begins a collection as ${workflowId}; \`perennial gc\` does`,
    }),
    markReachable: stepOfNone<OfCollection, void>({
      summary: 'mark what rows of the database name',
      proves: ofCollection,
      complaint: collectionComplaint,
    }),
    /** Looks at the next of what is stored; done when that was all. */
    sweepGarbage: stepOfNone<OfCollection, { readonly done: boolean }>({
      summary: 'remove what is old and unmarked',
      proves: `${ofCollection}, and was marked before`,
      complaint: collectionComplaint,
    }),
    endCollection: stepOfNone<OfCollection & { readonly failure: string | null }, void>({
      summary: 'the collection ends',
      proves: ofCollection,
      complaint: collectionComplaint,
    }),
    /** Signs the heads of some models, from the cursor on; null: from the first, and none are left. */
    signHeads: stepOfNone<{ readonly cursor: string | null }, SignedHeads>({
      summary: 'sign the heads of chains that have grown',
      proves: 'a firing of the schedule of signatures asks; a chain that does not hold is not signed',
      // It signs no chain that does not hold, so asking for it gains nothing.
      complaint: (_, { workflowId }) =>
        workflowId.startsWith(`${ledgerHeadsName}/`)
          ? undefined
          : `heads of the ledger are signed by the workflows ${ledgerHeadsName}/…, not by ${workflowId}`,
    }),
  },
} satisfies StepGroup;

function collectionComplaint(_input: OfCollection, { workflowId }: AskingExecution): string | undefined {
  return workflowId.startsWith(`${collectionsName}/`)
    ? undefined
    : `garbage is collected by the workflows ${collectionsName}/…, not by ${workflowId}`;
}

function isScheduledCollection(workflowId: string, schedule: string | null): boolean {
  const at = workflowId.startsWith(`${collectionsName}/scheduled-`) ? firedAt(workflowId) : undefined;
  return schedule !== null && at !== undefined && isDueAt({ cron: schedule, timezone: 'UTC' }, at);
}
