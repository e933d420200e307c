import { and, asc, eq, getTableColumns, inArray } from '../connection/orm.ts';
import type { Approval, Vote } from '../../contracts/serving/approval.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { toInstant, toInstantOrNull } from '../connection/instants.ts';
import { found } from '../connection/not-found.ts';
import { approvals, votes } from './approval-tables.ts';
import { models } from '../models/model-tables.ts';
import { principals } from '../principals/principal-tables.ts';
import { inScope } from '../connection/in-scope.ts';

/** An approval with the names of its project and model; the row type of `selectApprovals`. */
export interface ApprovalRow {
  /** Without `details`, which only one page shows. */
  readonly approval: Omit<typeof approvals.$inferSelect, 'details'>;
  readonly project: string;
  readonly model: string;
}

const { details: _long, ...columns } = getTableColumns(approvals);

/** Selects approvals with the names of project and model. The caller adds where, order and limit. */
export function selectApprovals(tx: Executor) {
  return tx
    .select({ approval: columns, project: models.project, model: models.name })
    .from(approvals)
    .innerJoin(models, eq(models.id, approvals.modelId))
    .$dynamic();
}

/** Condition for the requests of a scope that are waiting for votes. */
export function isPendingIn({ modelId, environment }: Pick<Scope, 'modelId' | 'environment'>) {
  return and(inScope(approvals, { modelId, environment }), eq(approvals.status, 'pending'));
}

/** Locks the approval until the transaction ends, so that votes and decisions do not overlap. Throws `not-found`. */
export async function lockApproval(tx: Transaction, id: Id): Promise<ApprovalRow> {
  const [row] = await selectApprovals(tx).where(eq(approvals.id, id)).for('update', { of: approvals });
  return foundApproval(row, id);
}

export function foundApproval(row: ApprovalRow | undefined, id: Id): ApprovalRow {
  return found(row, `there is no approval ${id}; \`perennial approvals\` lists the open requests`, { approvalId: id });
}

/** Returns the votes of each approval, oldest first. */
export async function votesOf(tx: Executor, approvalIds: readonly Id[]): Promise<ReadonlyMap<Id, Vote[]>> {
  const cast = new Map<Id, Vote[]>();
  if (approvalIds.length === 0) return cast;
  const rows = await tx
    .select({ vote: votes, principalName: principals.name })
    .from(votes)
    .innerJoin(principals, eq(principals.id, votes.principalId))
    .where(inArray(votes.approvalId, [...approvalIds]))
    .orderBy(asc(votes.recordedAt), asc(votes.id));
  for (const { vote, principalName } of rows) {
    const told = {
      ...vote,
      principalName,
      recordedAt: toInstant(vote.recordedAt),
      effectiveAt: toInstant(vote.effectiveAt),
    };
    cast.set(vote.approvalId, [...(cast.get(vote.approvalId) ?? []), told]);
  }
  return cast;
}

/** Converts the rows to approvals with their votes, in the given order. */
export async function withVotes(tx: Executor, rows: readonly ApprovalRow[]): Promise<readonly Approval[]> {
  const before = await requestsBefore(tx, rows);
  const cast = await votesOf(tx, [...rows.map((row) => row.approval.id), ...[...before.values()].flat()]);
  return rows.map(({ approval, project, model }) => ({
    ...approval,
    project,
    model,
    expiresAt: toInstant(approval.expiresAt),
    votes: cast.get(approval.id) ?? [],
    earlierVotes: (before.get(approval.id) ?? []).flatMap((id) => cast.get(id) ?? []),
    recordedAt: toInstant(approval.recordedAt),
    effectiveAt: toInstant(approval.effectiveAt),
    decidedAt: toInstantOrNull(approval.decidedAt),
  }));
}

/** Returns for each request the requests that it replaced, oldest first. */
async function requestsBefore(tx: Executor, rows: readonly ApprovalRow[]): Promise<ReadonlyMap<Id, readonly Id[]>> {
  const again = rows.map(({ approval }) => approval).filter(({ replaces }) => replaces !== null);
  if (again.length === 0) return new Map();
  const ofRuns = inArray(approvals.runId, [...new Set(again.map(({ runId }) => runId))]);
  const all = await tx
    .select({ id: approvals.id, runId: approvals.runId })
    .from(approvals)
    .where(ofRuns)
    .orderBy(asc(approvals.id));
  return new Map(
    again.map(({ id, runId }) => [id, all.filter((row) => row.runId === runId && row.id < id).map((row) => row.id)]),
  );
}
