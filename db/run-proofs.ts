import { and, eq } from 'drizzle-orm';
import { sha256OfJson } from '../contracts/digest.ts';
import { isFinal } from '../contracts/run.ts';
import type { RunRepository } from '../ports/repositories/runs.ts';
import type { Transaction } from './connection.ts';
import { query, transact } from './connection.ts';
import type { RepositoryContext } from './context.ts';
import { mustBeOf, unproven } from './prove-run.ts';
import { lockRun } from './run-rows.ts';
import { runResults, runs } from './schema.ts';

type Claim = Parameters<RunRepository['prove']>[1];

/** What shows that a step is asked for by the run's own execution, with what the run's own steps have answered. */
export function runProofs({ db }: RepositoryContext): Pick<RunRepository, 'prove' | 'keepResult' | 'hasResult'> {
  return {
    prove: (id, claim) => transact(db, (tx) => prove(tx, id, claim)),
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

async function prove(tx: Transaction, id: string, { scope, kinds, execution, allows }: Claim): Promise<void> {
  const row = await lockRun(tx, id);
  mustBeOf(row, scope, kinds);
  const { workflowId, executionId, orderedAt, state } = row.run;
  if (workflowId !== execution.workflowId)
    throw unproven(`run ${id} is carried out by the workflow ${workflowId}, not by ${execution.workflowId}`, id);
  if (executionId !== null && executionId !== execution.executionId)
    throw unproven(
      `run ${id} is carried out by execution ${executionId}; ${execution.executionId} has the same workflow id and no right to it (a workflow that was reset or started again by hand carries out no run: start another run)`,
      id,
    );
  if (isFinal(state) && !allows.includes('ended'))
    throw unproven(`run ${id} is ${state} already, so nothing more is done for it; start another run`, id);
  if (state === 'queued' && !allows.includes('queued'))
    throw unproven(`run ${id} has not begun, so none of its steps can run`, id);
  if (executionId !== null || isFinal(state)) return;
  if (orderedAt === null)
    throw unproven(`run ${id} waits in the queue, and the lifecycle has not ordered its start`, id);
  await tx.update(runs).set({ executionId: execution.executionId }).where(eq(runs.id, id));
}
