import { asc, eq, inArray } from '../connection/orm.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { Run, RunState, RunStep } from '../../contracts/runs/run.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { toInstant, toInstantOrNull } from '../connection/instants.ts';
import { found } from '../connection/not-found.ts';
import { models } from '../models/model-tables.ts';
import { runs, runSteps } from './run-tables.ts';

/** A run with the names of its project and model; the row type of `selectRuns`. */
export interface RunRow {
  readonly run: typeof runs.$inferSelect;
  readonly project: string;
  readonly model: string;
}

/** Selects runs with the names of project and model. The caller adds where, order and limit. */
export function selectRuns(tx: Executor) {
  return tx
    .select({ run: runs, project: models.project, model: models.name })
    .from(runs)
    .innerJoin(models, eq(models.id, runs.modelId))
    .$dynamic();
}

/** Locks the run until the transaction ends. Throws `not-found`. */
export async function lockRun(tx: Transaction, id: Id): Promise<RunRow> {
  const [row] = await selectRuns(tx).where(eq(runs.id, id)).for('update', { of: runs });
  return found(row, `there is no run ${id}; \`perennial runs\` lists them`, { runId: id });
}

/** Converts the rows to runs with their steps, in the given order. */
export async function withSteps(tx: Executor, rows: readonly RunRow[]): Promise<readonly Run[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.run.id);
  const steps = new Map<Id, RunStep[]>();
  for (const { runId, recordedAt: _recordedAt, ...step } of await tx
    .select()
    .from(runSteps)
    .where(inArray(runSteps.runId, ids))
    .orderBy(asc(runSteps.startedAt), asc(runSteps.name), asc(runSteps.attempt))) {
    steps.set(runId, [
      ...(steps.get(runId) ?? []),
      { ...step, startedAt: toInstant(step.startedAt), endedAt: toInstantOrNull(step.endedAt) },
    ]);
  }
  return rows.map((row) => toRun(row, steps.get(row.run.id) ?? []));
}

function toRun({ run, project, model }: RunRow, steps: RunStep[]): Run {
  const { id, modelId, environment, request, workflowId, because, recordedBy } = run;
  const progress =
    run.progressFraction === null ? null : { fraction: run.progressFraction, message: run.progressMessage ?? '' };
  const common = {
    id,
    modelId,
    project,
    model,
    environment,
    request,
    workflowId,
    because,
    progress,
    steps,
    recordedAt: toInstant(run.recordedAt),
    effectiveAt: toInstant(run.effectiveAt),
    recordedBy,
  };
  return { ...common, ...toState(run) };
}

/** Converts the columns to one of the valid states. The table's check constraint excludes the others. */
function toState(run: typeof runs.$inferSelect): RunState {
  const startedAt = toInstantOrNull(run.startedAt);
  const endedAt = toInstantOrNull(run.endedAt);
  if (run.state === 'queued') return { state: 'queued' };
  if (run.state === 'running' && startedAt !== null) return { state: 'running', startedAt };
  if (run.state === 'awaiting-approval' && startedAt !== null && run.approvalId !== null)
    return { state: 'awaiting-approval', startedAt, approvalId: run.approvalId };
  if (endedAt !== null && run.state === 'succeeded' && startedAt !== null && run.outcome !== null)
    return { state: 'succeeded', startedAt, endedAt, outcome: run.outcome };
  if (endedAt !== null && run.state === 'failed' && run.failure !== null)
    return { state: 'failed', startedAt, endedAt, failure: run.failure };
  if (endedAt !== null && run.state === 'cancelled' && run.cancelReason !== null)
    return { state: 'cancelled', startedAt, endedAt, reason: run.cancelReason };
  throw new Error(`run ${run.id} is ${run.state}, but its row lacks a value that this state needs`);
}
