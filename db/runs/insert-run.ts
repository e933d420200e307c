import type { Id, Instant, Scope } from '../../contracts/identifiers.ts';
import type { RunRequest } from '../../contracts/runs/run.ts';
import { runWorkflowId } from '../../contracts/runs/workflows.ts';
import type { Transaction } from '../connection/connect.ts';
import { toDate } from '../connection/instants.ts';
import { runs } from './run-tables.ts';
import { storableJson, storableText } from '../connection/storable.ts';

export interface NewRun {
  readonly id: Id;
  readonly request: RunRequest;
  /** Why, for people: `manual`, `drift, new-data`, … */
  readonly because: string;
  readonly effectiveAt: Instant;
  readonly by: Id;
}

/** Writes a queued run under the workflow id that follows from it; the same id again changes nothing. */
export async function insertRun(tx: Transaction, scope: Scope, run: NewRun): Promise<void> {
  await tx
    .insert(runs)
    .values({
      id: run.id,
      modelId: scope.modelId,
      environment: scope.environment,
      kind: run.request.kind,
      request: storableJson(run.request),
      because: storableText(run.because),
      workflowId: runWorkflowId(scope, run.request.kind, run.id),
      state: 'queued',
      effectiveAt: toDate(run.effectiveAt),
      recordedBy: run.by,
    })
    .onConflictDoNothing({ target: runs.id });
}
