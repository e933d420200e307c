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

const ofCollection = 'a garbage collection workflow requests the step; the collection is under way';

/** Steps that belong to no model and no run: garbage collection and the signing of ledger heads. */
export const installationSteps = {
  queue: 'monitor',
  limits: { attempt: '1h', altogether: '28h' },
  steps: {
    /** With `collectionId` null, a schedule asks for a collection; one that is already running is continued. */
    beginCollection: stepOfNone<{ readonly collectionId: Id | null }, OfCollection>({
      summary: 'begin a garbage collection',
      proves:
        "a firing of the worker's schedule requests the step, or the collection was requested before; only one collection runs at a time",
      complaint: ({ collectionId }, { workflowId }, { collectionSchedule }) =>
        collectionId !== null || isScheduledCollection(workflowId, collectionSchedule)
          ? undefined
          : `${workflowId} was not started by this worker's garbage collection schedule; to collect garbage, run \`perennial gc\``,
    }),
    markReachable: stepOfNone<OfCollection, void>({
      summary: 'mark the blobs that database rows refer to',
      proves: ofCollection,
      complaint: collectionComplaint,
    }),
    /** Checks the next page of stored blobs. `done` means that no blobs are left. */
    sweepGarbage: stepOfNone<OfCollection, { readonly done: boolean }>({
      summary: 'remove old blobs that are not marked',
      proves: `${ofCollection}; the mark phase is complete`,
      complaint: collectionComplaint,
    }),
    endCollection: stepOfNone<OfCollection & { readonly failure: string | null }, void>({
      summary: 'end the garbage collection',
      proves: ofCollection,
      complaint: collectionComplaint,
    }),
    /**
     * Signs the heads of some models, beginning at the cursor. A null cursor is the start of the list; `next` is null
     * when no models are left.
     */
    signHeads: stepOfNone<{ readonly cursor: string | null }, SignedHeads>({
      summary: 'sign the heads of ledger chains that have grown',
      proves: 'a firing of the signing schedule requests the step; an invalid chain is not signed',
      // A workflow id that merely has the right prefix is accepted: the step signs only valid chains, so a forged
      // request gains nothing.
      complaint: (_, { workflowId }) =>
        workflowId.startsWith(`${ledgerHeadsName}/`)
          ? undefined
          : `only workflows named ${ledgerHeadsName}/… may sign ledger heads, not ${workflowId}`,
    }),
  },
} satisfies StepGroup;

function collectionComplaint(_input: OfCollection, { workflowId }: AskingExecution): string | undefined {
  return workflowId.startsWith(`${collectionsName}/`)
    ? undefined
    : `only workflows named ${collectionsName}/… may collect garbage, not ${workflowId}`;
}

function isScheduledCollection(workflowId: string, schedule: string | null): boolean {
  const at = workflowId.startsWith(`${collectionsName}/scheduled-`) ? firedAt(workflowId) : undefined;
  return schedule !== null && at !== undefined && isDueAt({ cron: schedule, timezone: 'UTC' }, at);
}
