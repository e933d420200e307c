import { and, eq, exists, inArray, notExists, notInArray } from '../connection/orm.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { LifecycleSnapshot } from '../../contracts/runs/lifecycle-plan.ts';
import type { Transaction } from '../connection/connect.ts';
import { approvals } from '../approvals/approval-tables.ts';
import { generations } from '../deployments/deployment-tables.ts';
import { type modelEnvironments } from '../environments/environment-tables.ts';
import { runs } from '../runs/run-tables.ts';
import { inScope } from '../connection/in-scope.ts';

type Heads = Pick<typeof modelEnvironments.$inferSelect, 'rolloutRunId'>;

/** Returns workflows of the scope that can continue but may not know it, because a nudge was lost or never sent. */
export async function whoIsNudged(
  tx: Transaction,
  scope: Scope,
  snapshot: LifecycleSnapshot,
  { rolloutRunId }: Heads,
): Promise<readonly string[]> {
  const turn = rolloutRunId === null ? await waitForTurn(tx, scope) : [];
  const vote = await waitForRefusal(tx, scope);
  const rehearsals = mayRehearsalGoOn(snapshot) ? await rehearsalsOf(tx, scope) : [];
  return [...vote, ...turn, ...rehearsals];
}

/** Returns deployments that may not have noticed that their request was refused, expired or superseded. */
function waitForRefusal(tx: Transaction, scope: Scope): Promise<readonly string[]> {
  const refused = notInArray(approvals.status, ['pending', 'approved']);
  const request = and(eq(approvals.id, runs.approvalId), refused);
  const isRefused = exists(tx.select({ id: approvals.id }).from(approvals).where(request));
  return workflowIds(tx, and(inScope(runs, scope), eq(runs.state, 'awaiting-approval'), isRefused));
}

/**
 * Returns approved deployments that have not started to roll out. They may start when no other one holds the rollout.
 */
function waitForTurn(tx: Transaction, scope: Scope): Promise<readonly string[]> {
  const request = and(eq(approvals.runId, runs.id), eq(approvals.status, 'approved'));
  return workflowIds(
    tx,
    and(
      inScope(runs, scope),
      eq(runs.kind, 'deploy'),
      inArray(runs.state, ['running', 'awaiting-approval']),
      exists(tx.select({ id: approvals.id }).from(approvals).where(request)),
      notExists(tx.select({ runId: generations.runId }).from(generations).where(eq(generations.runId, runs.id))),
    ),
  );
}

/**
 * Returns whether a rehearsal can continue: no other run is unfinished in its environment, or one is awaiting its vote.
 */
function mayRehearsalGoOn({ clock, runs: unfinished }: LifecycleSnapshot): boolean {
  const others = unfinished.filter(({ kind }) => kind !== 'rehearsal');
  return clock === 'virtual' && (others.length === 0 || others.some(({ state }) => state === 'awaiting-approval'));
}

function rehearsalsOf(tx: Transaction, scope: Scope): Promise<readonly string[]> {
  return workflowIds(tx, and(inScope(runs, scope), eq(runs.kind, 'rehearsal'), eq(runs.state, 'running')));
}

async function workflowIds(tx: Transaction, which: ReturnType<typeof and>): Promise<readonly string[]> {
  const rows = await tx.select({ workflowId: runs.workflowId }).from(runs).where(which).orderBy(runs.id);
  return rows.map(({ workflowId }) => workflowId);
}
