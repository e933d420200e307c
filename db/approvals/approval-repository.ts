import { and, desc, eq, gt, lt } from '../connection/orm.ts';
import type { Approval } from '../../contracts/serving/approval.ts';
import { shiftInstant } from '../../contracts/time/shift-instant.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Instant } from '../../contracts/identifiers.ts';
import { scopeLabel, shortDigest } from '../../contracts/identifiers.ts';
import type { Principal } from '../../contracts/access/principal.ts';
import { isGranted } from '../../contracts/access/principal.ts';
import type { ApprovalRepository } from '../../ports/repositories/approval-repository.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import { foundApproval, lockApproval, selectApprovals, votesOf, withVotes, isPendingIn } from './approval-rows.ts';
import type { ApprovalRow } from './approval-rows.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow, lockScope } from '../connection/repository-context.ts';
import { decideApproval, supersedeApprovals } from './decide-approval.ts';
import { decisionOf } from './count-votes.ts';
import { decidedByRun } from '../runs/decided-by-run.ts';
import { toDate, toInstant } from '../connection/instants.ts';
import { written } from '../connection/not-found.ts';
import { belowId, pageOf } from '../connection/paging.ts';
import { proveRun, unproven } from '../runs/prove-run.ts';
import { lockRun } from '../runs/run-rows.ts';
import { approvals, votes } from './approval-tables.ts';
import { codeVersions } from '../code/code-tables.ts';
import { environments } from '../environments/environment-tables.ts';
import { models } from '../models/model-tables.ts';
import { releases } from '../deployments/deployment-tables.ts';
import { runs } from '../runs/run-tables.ts';
import { storableJson, storableText } from '../connection/storable.ts';
import { visibleRows } from '../principals/visibility.ts';

type Ask = Parameters<ApprovalRepository['request']>;
type Ballot = Parameters<ApprovalRepository['vote']>[1];
type Tally = Awaited<ReturnType<ApprovalRepository['tally']>>;

export function createApprovalRepository(context: RepositoryContext): ApprovalRepository {
  const { db } = context;
  return {
    request: (scope, request) => transact(db, (tx) => ask(context, tx, scope, request)),
    get: (id) => query(db, () => read(db, id)),
    details: (id) =>
      query(db, async () => {
        const [row] = await db.select({ details: approvals.details }).from(approvals).where(eq(approvals.id, id));
        return row?.details ?? null;
      }),
    list: (viewer, filter, page) =>
      query(db, async () => {
        const below = belowId(page);
        const rows = await selectApprovals(db)
          .where(
            and(
              visibleRows(viewer, approvals.environment),
              eq(models.project, filter.project),
              filter.model === undefined ? undefined : eq(models.name, filter.model),
              filter.environment === undefined ? undefined : eq(approvals.environment, filter.environment),
              filter.status === undefined ? undefined : eq(approvals.status, filter.status),
              below === undefined ? undefined : lt(approvals.id, below),
            ),
          )
          .orderBy(desc(approvals.id))
          .limit(page.limit + 1);
        const shown = pageOf(
          rows,
          page,
          (row) => row.approval.id,
          (row) => row,
        );
        return { ...shown, items: await withVotes(db, shown.items) };
      }),
    vote: (id, ballot, voter) => transact(db, (tx) => vote(context, tx, id, ballot, voter)),
    tally: (id, runId) => transact(db, (tx) => tally(context, tx, id, runId)),
  };
}

async function read(tx: Executor, id: Id): Promise<Approval> {
  const [row] = await selectApprovals(tx).where(eq(approvals.id, id));
  const [approval] = await withVotes(tx, [foundApproval(row, id)]);
  return written(approval);
}

async function ask(context: RepositoryContext, tx: Transaction, scope: Ask[0], request: Ask[1]): Promise<Approval> {
  const { runId, digest, by, replaces = null, warnings = [] } = request;
  await lockScope(tx, scope, null);
  // A restarted run makes its first request again and gets its latest one.
  const [known] = await tx
    .select({ id: approvals.id })
    .from(approvals)
    .where(and(eq(approvals.runId, runId), replaces === null ? undefined : eq(approvals.replaces, replaces)))
    .orderBy(desc(approvals.id))
    .limit(1);
  if (known !== undefined) return read(tx, known.id);
  // A cancelled run must neither leave a request behind that nobody waits for nor supersede another one.
  await proveRun(tx, scope, runId, 'deploy');
  const { modelId, environment } = scope;
  const now = await environmentNow(context, tx, scope);
  const reason = `a newer request replaces this one: release ${shortDigest(request.subject.release)}`;
  const newer = replaces === null ? undefined : await newerRequest(tx, scope, replaces);
  if (replaces !== null) await closeReplaced(context, tx, { replaces, runId }, { reason, at: now, by });
  if (newer === undefined)
    await supersedeApprovals(context, tx, scope, { exceptOfRun: runId }, { reason, at: now, by });
  const { policy, release, champion } = request.subject;
  const expiresAt = shiftInstant(now, policy.expires, 1, 'UTC');
  const [made] = await tx
    .insert(approvals)
    .values({
      id: context.ids.next(),
      modelId,
      environment,
      runId,
      replaces,
      digest,
      subject: storableJson(request.subject),
      evidence: storableJson(request.evidence),
      warnings: storableJson([...warnings]),
      details: request.details === undefined ? null : storableJson(request.details),
      status: 'pending',
      requestedBy: by,
      expiresAt: toDate(expiresAt),
      effectiveAt: toDate(now),
    })
    .returning();
  const approval = written(made);
  await appendLedger(context, tx, {
    modelId,
    environment,
    kind: 'approval.requested',
    subject: {
      runId,
      approvalId: approval.id,
      digest,
      release,
      champion,
      policy,
      expiresAt,
      ...(replaces === null ? {} : { replaces }),
    },
    reason: `approval of release ${shortDigest(release)} for ${scopeLabel(scope)}`,
    effectiveAt: now,
    by,
  });
  if (newer !== undefined) {
    const because = `request ${newer} for a newer candidate is open`;
    await decideApproval(context, tx, approval, { status: 'superseded', reason: because, at: now, by });
  } else if (policy.votes === 0) {
    const unasked = { status: 'approved', reason: 'the policy requires no votes', at: now, by } as const;
    await decideApproval(context, tx, approval, unasked);
  } else {
    await awaitApproval(context, tx, runId, approval.id);
  }
  return read(tx, approval.id);
}

/**
 * Returns a pending request of another run that is newer than the replaced one. An older candidate must not close it.
 */
async function newerRequest(tx: Transaction, scope: Ask[0], replaces: Id): Promise<Id | undefined> {
  const [newer] = await tx
    .select({ id: approvals.id })
    .from(approvals)
    .where(and(isPendingIn(scope), gt(approvals.id, replaces)))
    .limit(1);
  return newer?.id;
}

/** Closes a run's approval of the earlier champion, in the transaction that opens the next request. */
async function closeReplaced(
  context: RepositoryContext,
  tx: Transaction,
  { replaces, runId }: { readonly replaces: Id; readonly runId: Id },
  decision: Omit<Parameters<typeof decideApproval>[3], 'status'>,
): Promise<void> {
  const { approval } = await lockApproval(tx, replaces);
  if (approval.runId !== runId || approval.status !== 'approved')
    throw unproven(
      `approval ${replaces} is ${approval.status}, so run ${runId} may not replace it by another request`,
      runId,
    );
  await decideApproval(context, tx, approval, { ...decision, status: 'superseded' });
}

async function awaitApproval(context: RepositoryContext, tx: Transaction, runId: Id, approvalId: Id): Promise<void> {
  const { run } = await lockRun(tx, runId);
  const startedAt = run.startedAt ?? toDate(context.clock.now());
  await tx.update(runs).set({ state: 'awaiting-approval', approvalId, startedAt }).where(eq(runs.id, runId));
}

async function vote(
  context: RepositoryContext,
  tx: Transaction,
  id: Id,
  { decision, digest, comment }: Ballot,
  voter: Principal,
): Promise<Approval> {
  const row = await lockApproval(tx, id);
  const { approval, project } = row;
  const { modelId, environment, runId } = approval;
  const now = await environmentNow(context, tx, { project, environment });
  mustBeOpen(row, now);
  if (digest !== approval.digest) throw otherDigest(row, digest);
  mustBeAllowed(row, voter, await lastCommitter(tx, approval));
  const cast = (await votesOf(tx, [id])).get(id) ?? [];
  if (cast.some((earlier) => earlier.principalId === voter.id))
    throw refused(row, voter, 'has voted on it already, and a vote is final', 'somebody else has to vote');
  const [made] = await tx
    .insert(votes)
    .values({
      id: context.ids.next(),
      approvalId: id,
      principalId: voter.id,
      decision,
      digest,
      comment: storableText(comment),
      effectiveAt: toDate(now),
    })
    .returning();
  await appendLedger(context, tx, {
    modelId,
    environment,
    kind: 'approval.voted',
    subject: { runId, approvalId: id, voteId: written(made).id, digest, decision },
    reason: comment === '' ? decision : comment,
    effectiveAt: now,
    by: voter.id,
  });
  return read(tx, id);
}

function mustBeOpen({ approval }: ApprovalRow, now: Instant): void {
  const { id, status } = approval;
  const expiresAt = toInstant(approval.expiresAt);
  const expired = status === 'pending' && now >= expiresAt;
  if (status === 'pending' && !expired) return;
  const why = expired || status === 'expired' ? `expired at ${expiresAt}` : `is ${status}`;
  throw new PerennialError(
    'approval-closed',
    `approval ${id} ${why} and accepts no votes; \`perennial approvals\` lists the open requests, and a new deployment requests approval again`,
    { approvalId: id, status: expired ? 'expired' : status, expiresAt },
  );
}

function otherDigest({ approval }: ApprovalRow, given: string): PerennialError {
  return new PerennialError(
    'digest-not-current',
    `approval ${approval.id} has the digest ${approval.digest}, but the vote names ${given}; read the request again and vote on its current digest`,
    { approvalId: approval.id, digest: approval.digest, given },
  );
}

/** Returns the principal that recorded the training code of the release. */
async function lastCommitter(
  tx: Transaction,
  { modelId, subject }: Pick<ApprovalRow['approval'], 'modelId' | 'subject'>,
): Promise<Id | undefined> {
  const [row] = await tx
    .select({ by: codeVersions.recordedBy })
    .from(releases)
    .innerJoin(codeVersions, eq(codeVersions.id, releases.codeVersionId))
    .where(and(eq(releases.modelId, modelId), eq(releases.digest, subject.release)));
  return row?.by;
}

function mustBeAllowed(row: ApprovalRow, voter: Principal, committer: Id | undefined): void {
  const { approval, project, model } = row;
  const { roles, requesterMayVote } = approval.subject.policy;
  if (voter.id === approval.requestedBy && !requesterMayVote)
    throw refused(
      row,
      voter,
      'requested it, and the policy does not let the requester vote',
      'somebody else has to vote',
    );
  const { lastCommitterMayVote = requesterMayVote } = approval.subject.policy;
  if (voter.id === committer && !lastCommitterMayVote)
    throw refused(
      row,
      voter,
      'recorded the training code of the release, and the policy does not let the last committer vote',
      'somebody else has to vote',
    );
  const target = { project, model, environment: approval.environment };
  if (!roles.some((role) => isGranted(voter.grants, role, target))) {
    const wanted = roles.join(' or ');
    throw refused(row, voter, `does not have the role ${wanted} there`, 'ask somebody who has that role');
  }
}

function refused({ approval, model }: ApprovalRow, voter: Principal, why: string, wayOut: string): PerennialError {
  return new PerennialError(
    'vote-refused',
    `${voter.name} may not vote on approval ${approval.id} of ${model} in ${approval.environment}: ${voter.name} ${why}; ${wayOut}`,
    { approvalId: approval.id, principal: voter.name },
  );
}

async function tally(context: RepositoryContext, tx: Transaction, id: Id, runId: Id): Promise<Tally> {
  const { approval, project } = await lockApproval(tx, id);
  if (approval.runId !== runId) throw unproven(`approval ${id} was not requested by run ${runId}`, runId);
  if (approval.status !== 'pending') return { status: approval.status, expiresInMs: null, remindInMs: null };
  const { environment } = approval;
  const now = await environmentNow(context, tx, { project, environment });
  const cast = (await votesOf(tx, [id])).get(id) ?? [];
  const decision = decisionOf(approval, cast, now);
  if (decision !== undefined) {
    await decideApproval(context, tx, approval, { ...decision, at: now });
    return { status: decision.status, expiresInMs: null, remindInMs: null };
  }
  const expiresInMs = await wallUntil(tx, { project, environment }, approval.expiresAt, now);
  return { status: 'pending', expiresInMs, remindInMs: await remind(context, tx, approval, now, expiresInMs) };
}

/**
 * Reminds the approvers once, when half of the request's lifetime has passed: writes a ledger entry, from which
 * notifications are sent. Returns the milliseconds until then, or null if no reminder is due any more.
 */
async function remind(
  context: RepositoryContext,
  tx: Transaction,
  { id, modelId, environment, runId, digest, requestedBy, subject, effectiveAt, expiresAt }: ApprovalRow['approval'],
  now: Instant,
  expiresInMs: number | null,
): Promise<number | null> {
  // A rehearsal votes automatically.
  if (expiresInMs === null) return null;
  const halfMs = (expiresAt.getTime() - effectiveAt.getTime()) / 2;
  if (expiresInMs > halfMs) return expiresInMs - halfMs;
  if ((await decidedByRun(tx, modelId, 'approval.reminded', runId, { approvalId: id })) !== undefined) return null;
  await appendLedger(context, tx, {
    modelId,
    environment,
    kind: 'approval.reminded',
    subject: { runId, approvalId: id, digest, roles: subject.policy.roles, expiresAt: toInstant(expiresAt) },
    reason: `half of the time to vote has passed; the request expires at ${toInstant(expiresAt)}`,
    effectiveAt: now,
    by: requestedBy,
  });
  return null;
}

/** Returns the wall-clock milliseconds until `at`. Null under a virtual clock, because only its rehearsal moves it. */
async function wallUntil(
  tx: Transaction,
  { project, environment }: { readonly project: string; readonly environment: string },
  at: Date,
  now: Instant,
): Promise<number | null> {
  const here = and(eq(environments.project, project), eq(environments.name, environment));
  const [row] = await tx.select({ clock: environments.clock }).from(environments).where(here);
  return written(row).clock === 'virtual' ? null : at.getTime() - toDate(now).getTime();
}
