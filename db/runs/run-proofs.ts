import { and, eq } from '../connection/orm.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import { isFinal } from '../../contracts/runs/run.ts';
import type { RunRepository } from '../../ports/repositories/run-repository.ts';
import { type Executor, query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { mustBeOf, unproven } from './prove-run.ts';
import { lockRun } from './run-rows.ts';
import { models } from '../models/model-tables.ts';
import { runResults, runs } from './run-tables.ts';

type Claim = Parameters<RunRepository['prove']>[1];

/**
 * Returns the methods that check whether a step was requested by the run's own execution, and whether an input is a
 * result of the run's own steps.
 */
export function runProofs({ db }: RepositoryContext): Pick<RunRepository, 'prove' | 'hasResult'> {
  return {
    async prove(id, claim) {
      // The recorded execution changes only when it continues as new, so most calls need neither a lock nor a query to
      // Temporal.
      const [row] = await query(db, () => selectClaimed(db).where(eq(runs.id, id)));
      const predecessor = row !== undefined && isOther(row, claim) ? await claim.execution.continuedFrom() : null;
      if (row !== undefined && !mustBind(row, claim, predecessor)) return;
      await transact(db, async (tx) => {
        const { executionId } = claim.execution;
        if (mustBind(await lockRun(tx, id), claim, predecessor))
          await tx.update(runs).set({ executionId }).where(eq(runs.id, id));
      });
    },
    hasResult: (runId, step, result) =>
      query(db, async () => {
        const same = and(
          eq(runResults.runId, runId),
          eq(runResults.step, step),
          eq(runResults.digest, sha256OfJson(result)),
        );
        return (await db.select({ step: runResults.step }).from(runResults).where(same)).length > 0;
      }),
  };
}

/** The columns that a proof needs. Every step reads them, so the others are left out. */
function selectClaimed(db: Executor) {
  const { id, modelId, environment, kind, state, workflowId, executionId, orderedAt } = runs;
  return db
    .select({
      run: { id, modelId, environment, kind, state, workflowId, executionId, orderedAt },
      project: models.project,
      model: models.name,
    })
    .from(runs)
    .innerJoin(models, eq(models.id, runs.modelId))
    .$dynamic();
}

type ClaimedRun = Awaited<ReturnType<typeof selectClaimed>>[number];

/** Returns whether another execution with the same workflow id is recorded for the run. */
function isOther({ run }: ClaimedRun, { execution }: Claim): boolean {
  const { workflowId, executionId } = run;
  return workflowId === execution.workflowId && executionId !== null && executionId !== execution.executionId;
}

/**
 * Returns whether this execution must be recorded for the run. False if it is recorded already or the run has ended.
 * Throws `unproven` if it may not carry out the run.
 */
function mustBind(row: ClaimedRun, claim: Claim, predecessor: string | null): boolean {
  const { scope, kinds, execution, allows } = claim;
  mustBeOf(row, scope, kinds);
  const { id, workflowId, executionId, orderedAt, state } = row.run;
  if (workflowId !== execution.workflowId)
    throw unproven(`run ${id} is carried out by the workflow ${workflowId}, not by ${execution.workflowId}`, id);
  const continues = isOther(row, claim) && executionId === predecessor;
  if (isOther(row, claim) && !continues)
    throw unproven(
      `run ${id} is carried out by execution ${executionId}; execution ${execution.executionId} has the same workflow id, but may not carry out the run (a workflow that was reset or restarted by hand cannot continue a run; start another run)`,
      id,
    );
  if (isFinal(state) && !allows.includes('ended'))
    throw unproven(`run ${id} has already ended (${state}), so none of its steps can run; start another run`, id);
  if (state === 'queued' && !allows.includes('queued'))
    throw unproven(`run ${id} has not begun, so none of its steps can run`, id);
  if (continues) return true;
  if (executionId !== null || isFinal(state)) return false;
  if (orderedAt === null)
    throw unproven(`run ${id} waits in the queue, and the lifecycle has not ordered its start`, id);
  return true;
}
