import { eq } from '../connection/orm.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { RunKind } from '../../contracts/runs/run.ts';
import { isFinal } from '../../contracts/runs/run.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { lockRun, type RunRow } from './run-rows.ts';
import { models } from '../models/model-tables.ts';

/**
 * Locks the run and checks that it may commit in this transaction: it belongs to this scope, is of one of these kinds,
 * and is in progress. Throws `unproven`, `cancelled` or `conflict` otherwise. Call it after `lockScope` and before any
 * other lock.
 */
export async function proveRun(
  tx: Transaction,
  scope: Scope,
  runId: Id,
  ...kinds: readonly RunKind[]
): Promise<RunRow> {
  const row = await lockRun(tx, runId);
  mustBeOf(row, scope, kinds);
  const { state } = row.run;
  if (isFinal(state))
    throw new PerennialError(
      state === 'cancelled' ? 'cancelled' : 'conflict',
      `run ${runId} has already ended (${state}), so none of its steps can commit; start another run`,
      { runId, state },
    );
  if (state === 'queued')
    throw unproven(`run ${runId} has not begun, so none of its steps can commit; the lifecycle starts it`, runId);
  return row;
}

/** Throws `unproven` unless the run belongs to this scope and is of one of these kinds. */
export function mustBeOf(
  {
    run,
    project,
    model,
  }: { readonly run: Pick<RunRow['run'], 'id' | 'modelId' | 'environment' | 'kind'> } & Omit<RunRow, 'run'>,
  scope: Scope,
  kinds: readonly RunKind[],
): void {
  const own: Scope = { project, model, modelId: run.modelId, environment: run.environment };
  if (scopeLabel(own) !== scopeLabel(scope) || own.modelId !== scope.modelId)
    throw unproven(`run ${run.id} belongs to ${scopeLabel(own)} and not to ${scopeLabel(scope)}`, run.id);
  if (!kinds.includes(run.kind))
    throw unproven(`run ${run.id} is a ${run.kind} run, but this step is for ${kinds.join(' and ')} runs`, run.id);
}

/**
 * Throws `unproven` unless the scope's names are those of its model, because clock and policies are looked up by name.
 */
export async function proveScope(tx: Executor, scope: Scope): Promise<void> {
  const [model] = await tx
    .select({ project: models.project, name: models.name })
    .from(models)
    .where(eq(models.id, scope.modelId));
  if (model?.project === scope.project && model.name === scope.model) return;
  throw new PerennialError('unproven', `model ${scope.modelId} is not ${scope.model} of project ${scope.project}`, {
    modelId: scope.modelId,
  });
}

export function unproven(why: string, runId: Id): PerennialError {
  return new PerennialError('unproven', why, { runId });
}
