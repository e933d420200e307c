import type { Id, Instant, Scope } from '../identifiers.ts';
import { scopeLabel } from '../identifiers.ts';
import type { RunKind } from './run.ts';

// Names and types shared by workflows, their clients and the Temporal UI. Payloads have a version and contain only
// references.

export const workflowQueue = 'perennial';
/** Names of training task queues: `train`, or a queue for special machines, such as `train-gpu`. */
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

/**
 * Input of a garbage collection. `collectionId` is null if a schedule started the workflow and its row does not exist
 * yet.
 */
export interface CollectionInput {
  readonly schemaVersion: 1;
  readonly collectionId: Id | null;
  /** Set if this execution continues the sweep of an earlier one. */
  readonly marked?: true;
}

/**
 * Input of the workflow that signs ledger heads. It names no model: the workflow finds the models whose ledger has
 * grown.
 */
export interface SignHeadsInput {
  readonly schemaVersion: 1;
  /** Set if this execution continues an earlier one. */
  readonly cursor?: string;
}

export const signHeadsWorkflow = 'signLedgerHeads';
/**
 * Id of the schedule that signs ledger heads, and prefix of its workflow ids. It contains no slash, so it cannot equal
 * the label of a scope.
 */
export const ledgerHeadsName = 'perennial-ledger-heads';
export const collectionWorkflow = 'collectGarbage';
/**
 * Id of the schedule that collects garbage, and prefix of all collections' workflow ids. It contains no slash, so it
 * cannot equal the label of a scope.
 */
export const collectionsName = 'perennial-garbage';
export const lifecycleWorkflow = 'lifecycle';
export const scheduledTriggerWorkflow = 'scheduledTrigger';

/**
 * Update that makes the lifecycle read the database now. It returns when the lifecycle has acted on everything that it
 * read.
 */
export const advanceUpdate = 'advance';
/**
 * Signal to the lifecycle or to a waiting deployment that something has changed in the database. It can also be sent
 * from the Temporal UI.
 */
export const nudgeSignal = 'nudge';

export function lifecycleWorkflowId(scope: Scope): string {
  return `${scopeLabel(scope)}/lifecycle`;
}

/** Returns the id of the Temporal Schedule for a stored schedule. */
export function scheduleId(scope: Scope, name: string): string {
  return `${scopeLabel(scope)}/schedule/${name}`;
}

export function runWorkflowId(scope: Scope, kind: RunKind, runId: Id): string {
  return `${scopeLabel(scope)}/${kind}/${runId}`;
}

/**
 * Returns the due time that Temporal appends to the id of a workflow started by a schedule, or `undefined` if the id
 * has none.
 */
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
