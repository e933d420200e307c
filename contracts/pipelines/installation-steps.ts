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

/** Steps that belong to no model and no run: garbage collection and the signing of ledger heads. */
export const installationSteps = {
  queue: 'monitor',
  limits: { attempt: '1h', altogether: '28h' },
  steps: {
    /** With `collectionId` null, a schedule asks for a collection; one that is already running is continued. */
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
    /** Checks the next page of stored blobs. `done` means that no blobs are left. */
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
    /**
     * Signs the heads of some models, beginning at the cursor. A null cursor is the start of the list; `next` is null
     * when no models are left.
     */
    signHeads: stepOfNone<{ readonly cursor: string | null }, SignedHeads>({
      summary: 'sign the heads of chains that have grown',
      proves: 'a firing of the schedule of signatures asks; a chain that does not hold is not signed',
      // A workflow id that merely has the right prefix is accepted: the step signs only valid chains, so a forged
      // request gains nothing.
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
