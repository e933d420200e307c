import { and, eq } from '../connection/orm.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import { isFinal } from '../../contracts/runs/run.ts';
import type { RunRepository } from '../../ports/repositories/run-repository.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { mustBeOf, unproven } from './prove-run.ts';
import { lockRun, type RunRow, selectRuns } from './run-rows.ts';
import { runResults, runs } from './run-tables.ts';

type Claim = Parameters<RunRepository['prove']>[1];

/** What shows that a step is asked for by the run's own execution, with what the run's own steps have answered. */
export function runProofs({ db }: RepositoryContext): Pick<RunRepository, 'prove' | 'keepResult' | 'hasResult'> {
  return {
    async prove(id, claim) {
      // A binding lasts until the execution continues as new, so most steps need neither a lock nor a query to Temporal.
      const [row] = await query(db, () => selectRuns(db).where(eq(runs.id, id)));
      const predecessor = row !== undefined && isOther(row, claim) ? await claim.execution.continuedFrom() : null;
      if (row !== undefined && !mustBind(row, claim, predecessor)) return;
      await transact(db, async (tx) => {
        const { executionId } = claim.execution;
        if (mustBind(await lockRun(tx, id), claim, predecessor))
          await tx.update(runs).set({ executionId }).where(eq(runs.id, id));
      });
    },
    keepResult: (runId, step, result) =>
      query(db, async () => {
        const digest = sha256OfJson(result);
        await db.insert(runResults).values({ runId, step, digest }).onConflictDoNothing();
      }),
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

/** Another execution with the same workflow id owns the run. */
function isOther({ run }: RunRow, { execution }: Claim): boolean {
  const { workflowId, executionId } = run;
  return workflowId === execution.workflowId && executionId !== null && executionId !== execution.executionId;
}

/** Whether the execution is to be the run's from now on; false: it is already, or the run is over. */
function mustBind(row: RunRow, claim: Claim, predecessor: string | null): boolean {
  const { scope, kinds, execution, allows } = claim;
  mustBeOf(row, scope, kinds);
  const { id, workflowId, executionId, orderedAt, state } = row.run;
  if (workflowId !== execution.workflowId)
    throw unproven(`run ${id} is carried out by the workflow ${workflowId}, not by ${execution.workflowId}`, id);
  const continues = isOther(row, claim) && executionId === predecessor;
  if (isOther(row, claim) && !continues)
    throw unproven(
      `run ${id} is carried out by execution ${executionId}; ${execution.executionId} has the same workflow id and no right to it (a workflow that was reset or started again by hand carries out no run: start another run)`,
      id,
    );
  if (isFinal(state) && !allows.includes('ended'))
    throw unproven(`run ${id} is ${state} already, so nothing more is done for it; start another run`, id);
  if (state === 'queued' && !allows.includes('queued'))
    throw unproven(`run ${id} has not begun, so none of its steps can run`, id);
  if (continues) return true;
  if (executionId !== null || isFinal(state)) return false;
  if (orderedAt === null)
    throw unproven(`run ${id} waits in the queue, and the lifecycle has not ordered its start`, id);
  return true;
}
