import type { Id, Instant, Scope } from '../identifiers.ts';
import { scopeLabel } from '../identifiers.ts';
import type { RunKind } from './run.ts';

// Names and shapes that workflows, their clients and the Temporal UI share. Payloads carry a version and only references.

export const workflowQueue = 'perennial';
/** Names of queues that train: `train`, or one for machines that differ, such as `train-gpu`. */
export const trainingQueue = /^train(-[a-z0-9][a-z0-9-]{0,40})?$/;

export interface PipelineInput {
  readonly schemaVersion: 1;
  readonly runId: Id;
  readonly scope: Scope;
}

export interface LifecycleInput {
  readonly schemaVersion: 1;
  readonly scope: Scope;
}

export interface ScheduledTriggerInput {
  readonly schemaVersion: 1;
  readonly scope: Scope;
  readonly schedule: string;
}

/** null: a schedule began it, and its row is yet to be made. */
export interface CollectionInput {
  readonly schemaVersion: 1;
  readonly collectionId: Id | null;
  /** Set in an execution that continues the sweep of an earlier one. */
  readonly marked?: true;
}

/** Of every model: whose chain has grown is found by looking. */
export interface SignHeadsInput {
  readonly schemaVersion: 1;
  /** Set in an execution that continues an earlier one. */
  readonly cursor?: string;
}

export const signHeadsWorkflow = 'signLedgerHeads';
/** Of the schedule. Not a scope: those have a slash in the middle. */
export const ledgerHeadsName = 'perennial-ledger-heads';
export const collectionWorkflow = 'collectGarbage';
/** Of the schedule, and before the ids of collections. Not a scope: those have a slash in the middle. */
export const collectionsName = 'perennial-garbage';
export const lifecycleWorkflow = 'lifecycle';
export const scheduledTriggerWorkflow = 'scheduledTrigger';

/** Update of the lifecycle: look at the database now. Answers when it has acted on all that was there. */
export const advanceUpdate = 'advance';
/** Signal of the lifecycle and of a waiting deployment: something changed, look again. Also by hand from the Temporal UI. */
export const nudgeSignal = 'nudge';

export function lifecycleWorkflowId(scope: Scope): string {
  return `${scopeLabel(scope)}/lifecycle`;
}

/** Of the Temporal Schedule of a row. */
export function scheduleId(scope: Scope, name: string): string {
  return `${scopeLabel(scope)}/schedule/${name}`;
}

export function runWorkflowId(scope: Scope, kind: RunKind, runId: Id): string {
  return `${scopeLabel(scope)}/${kind}/${runId}`;
}

/** The instant in the name that Temporal gives to what a schedule starts; undefined: no schedule started it. */
export function firedAt(workflowId: string): Instant | undefined {
  const [, at] = /-(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)$/.exec(workflowId) ?? [];
  const instant = at === undefined ? undefined : new Date(at);
  return instant === undefined || Number.isNaN(instant.getTime()) ? undefined : instant.toISOString();
}

export const searchAttributes = {
  model: 'PerennialModel',
  trigger: 'PerennialTrigger',
  release: 'PerennialRelease',
} as const;
