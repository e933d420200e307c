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
  /** Cause of the run, for people, such as `manual` or `drift, new-data`. */
  readonly because: string;
  readonly effectiveAt: Instant;
  readonly by: Id;
}

/** Writes a queued run with the workflow id derived from it. Repeating the call with the same id changes nothing. */
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
