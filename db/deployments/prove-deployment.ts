import { and, desc, eq } from '../connection/orm.ts';
import type { RunOutcome } from '../../contracts/runs/run.ts';
import type { Transaction } from '../connection/connect.ts';
import { decidedByRun } from '../runs/decided-by-run.ts';
import { unproven } from '../runs/prove-run.ts';
import type { RunRow } from '../runs/run-rows.ts';
import { approvals } from '../approvals/approval-tables.ts';
import { evaluations } from '../versions/version-tables.ts';
import { generations } from './deployment-tables.ts';
import { modelEnvironments } from '../environments/environment-tables.ts';
import { inScope } from '../connection/in-scope.ts';

type Outcome = Extract<RunOutcome, { kind: 'deploy' }>;

/**
 * Throws `unproven` unless the reported outcome matches what the run did. A run cannot end while its canary is up, or
 * as promoted without a promotion.
 */
export async function mustHaveDeployed(tx: Transaction, { run }: RunRow, outcome: Outcome): Promise<void> {
  const { id, modelId, environment } = run;
  const here = inScope(modelEnvironments, { modelId, environment });
  const [heads] = await tx.select({ holder: modelEnvironments.rolloutRunId }).from(modelEnvironments).where(here);
  if (heads?.holder === id)
    throw unproven(`run ${id} still holds the rollout; it must promote or abort the rollout before it ends`, id);
  await mustHaveMade(tx, run, outcome);
  const [last] = await tx
    .select({ generation: generations.generation, change: generations.change })
    .from(generations)
    .where(and(inScope(generations, { modelId, environment }), eq(generations.runId, id)))
    .orderBy(desc(generations.generation))
    .limit(1);
  if (!(await isTrue(tx, run.id, outcome, last)))
    throw unproven(`run ${id} reports the decision ${outcome.decision}, but the database records another outcome`, id);
}

/** Throws `unproven` unless the run made this release. Only a run refused by the gates may have none. */
async function mustHaveMade(
  tx: Transaction,
  { id, modelId }: RunRow['run'],
  { decision, releaseId, releaseDigest }: Outcome,
): Promise<void> {
  if (releaseId === null && releaseDigest === null && decision === 'refused') return;
  const made = releaseId === null ? undefined : await decidedByRun(tx, modelId, 'release.made', id, { releaseId });
  if (made === undefined || made.digest !== releaseDigest)
    throw unproven(`run ${id} did not make release ${releaseDigest}`, id);
}

type Last = Pick<typeof generations.$inferSelect, 'generation' | 'change'> | undefined;

async function isTrue(tx: Transaction, runId: string, { decision, generation }: Outcome, last: Last): Promise<boolean> {
  const promoted = last?.change === 'first' || last?.change === 'promote';
  switch (decision) {
    case 'promoted':
      return promoted && last.generation === generation;
    case 'aborted':
      // Null: there was nothing to undo, or a rollback had already undone it.
      return generation === null ? !promoted : last?.change === 'abort' && last.generation === generation;
    case 'superseded':
      return !promoted;
    case 'refused':
      return !promoted && (await gatesRefused(tx, runId));
    case 'rejected':
    case 'expired': {
      const [approval] = await tx
        .select({ status: approvals.status })
        .from(approvals)
        .where(eq(approvals.runId, runId))
        .orderBy(desc(approvals.id))
        .limit(1);
      return approval?.status === decision;
    }
  }
}

/** Returns whether the run's last evaluation rejected the version. */
async function gatesRefused(tx: Transaction, runId: string): Promise<boolean> {
  const [evaluation] = await tx
    .select({ body: evaluations.body })
    .from(evaluations)
    .where(eq(evaluations.runId, runId))
    .orderBy(desc(evaluations.id))
    .limit(1);
  return evaluation?.body.verdict === 'rejected';
}
