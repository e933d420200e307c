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
 * Locks the run and proves that it may commit in this transaction: it is of this scope, of one of these kinds, and under
 * way. Otherwise `unproven`, `cancelled` or `conflict`. Call it after `lockScope` and before every other lock.
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
      `run ${runId} is ${state} already, so nothing more is done for it; start another run`,
      { runId, state },
    );
  if (state === 'queued')
    throw unproven(`run ${runId} has not begun, so none of its steps can commit; the lifecycle starts it`, runId);
  return row;
}

/** The run is of this scope and of one of these kinds, else `unproven`. */
export function mustBeOf({ run, project, model }: RunRow, scope: Scope, kinds: readonly RunKind[]): void {
  const own: Scope = { project, model, modelId: run.modelId, environment: run.environment };
  if (scopeLabel(own) !== scopeLabel(scope) || own.modelId !== scope.modelId)
    throw unproven(`run ${run.id} belongs to ${scopeLabel(own)} and not to ${scopeLabel(scope)}`, run.id);
  if (!kinds.includes(run.kind))
    throw unproven(`run ${run.id} is a ${run.kind} run, and this step is for ${kinds.join(' and ')} runs`, run.id);
}

/** The names of the scope are those of its model, else `unproven`: the clock and the policies are looked up by name. */
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
