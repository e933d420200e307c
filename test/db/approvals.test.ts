import { platformViewer } from '../../contracts/access/principal.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Approval, ApprovalSubject } from '../../contracts/serving/approval.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { ApprovalPolicy } from '../../contracts/serving/environment.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { LedgerKind } from '../../contracts/ledger/ledger-entry.ts';
import type { Grant, Principal } from '../../contracts/access/principal.ts';
import { transact } from '../../db/connection/connect.ts';
import { insertRun } from '../../db/runs/insert-run.ts';
import { createApprovalRepository } from '../../db/approvals/approval-repository.ts';
import { createEnvironmentRepository } from '../../db/environments/environment-repository.ts';
import { createLedgerRepository } from '../../db/ledger/ledger-repository.ts';
import { createModelRepository } from '../../db/models/model-repository.ts';
import { createPostgresRepositories } from '../../db/postgres-repositories.ts';
import { createPrincipalRepository } from '../../db/principals/principal-repository.ts';
import { createRunRepository } from '../../db/runs/run-repository.ts';
import type { ApprovalRepository } from '../../ports/repositories/approval-repository.ts';
import { seedVersion } from '../support/seed-candidate.ts';
import { configuration, digestOf, layDatabaseGround, type DatabaseGround } from './database-ground.ts';
import { evaluationBody } from './seed-release.ts';

let ground: DatabaseGround;
let approvals: ApprovalRepository;

beforeAll(async () => {
  ground = await layDatabaseGround();
  approvals = createApprovalRepository(ground.context);
});

afterAll(() => ground?.end());

const policy: ApprovalPolicy = { votes: 1, roles: ['approver'], requesterMayVote: false, expires: '72h' };
const begin = '2012-01-01T00:00:00.000Z';
let made = 0;

/** Creates a scope that no other test touches, with a virtual clock that only the test moves. */
async function freshScope(): Promise<Scope> {
  const environment = `place-${(made += 1)}`;
  await createEnvironmentRepository(ground.context).makeVirtual('default', environment, begin, ground.by);
  return (await createModelRepository(ground.context).apply('default', environment, configuration, ground.by)).scope;
}

async function beginDeploy(scope: Scope, by = ground.by): Promise<Id> {
  const { context } = ground;
  const id = context.ids.next();
  const request = { kind: 'deploy', schemaVersion: 1, evaluationId: context.ids.next(), automated: false } as const;
  await transact(context.db, (tx) => insertRun(tx, scope, { id, request, because: 'manual', effectiveAt: begin, by }));
  await createRunRepository(context).begin(id);
  return id;
}

function requestOf(scope: Scope, runId: Id, given: Partial<ApprovalPolicy> = {}, by = ground.by) {
  const subject: ApprovalSubject = {
    schemaVersion: 1,
    release: digestOf(runId),
    environment: scope.environment,
    strategy: { canary: [100], bake: '5m', minRequests: 0 },
    policy: { ...policy, ...given },
    champion: null,
  };
  const evidence: Approval['evidence'] = {
    schemaVersion: 1,
    modelVersion: 1,
    championVersion: null,
    dataset: 1,
    code: 1,
    evaluation: evaluationBody(),
    rollbackTarget: null,
  };
  return { runId, digest: sha256OfJson(subject), subject, evidence, by };
}

async function ask(scope: Scope, given: Partial<ApprovalPolicy> = {}, by = ground.by): Promise<Approval> {
  return approvals.request(scope, requestOf(scope, await beginDeploy(scope, by), given, by));
}

function principal(name: string, grants: readonly Grant[]): Promise<Principal> {
  return createPrincipalRepository(ground.context).ensure(name, 'person', grants, null);
}

function approver(name: string): Promise<Principal> {
  return principal(name, [{ role: 'approver' }]);
}

function ballot(approval: Approval, decision: 'approve' | 'reject' = 'approve') {
  return { decision, digest: approval.digest, comment: '' };
}

async function entered(kind: LedgerKind, approval: Approval) {
  const filter = { project: 'default', environment: approval.environment, kind };
  const { items } = await createLedgerRepository(ground.context).list(platformViewer, filter, { limit: 100 });
  return items.filter((entry) => entry.subject.approvalId === approval.id);
}

test('a run makes one request, however often it tries, and then waits', async () => {
  const scope = await freshScope();
  const runId = await beginDeploy(scope);
  const request = requestOf(scope, runId);
  const answers = await Promise.all(Array.from({ length: 10 }, () => approvals.request(scope, request)));
  expect(new Set(answers.map((answer) => answer.id)).size).toBe(1);
  const approval = await approvals.get(answers[0]!.id);
  expect(approval).toMatchObject({
    status: 'pending',
    project: 'default',
    model: 'bike-demand',
    subject: request.subject,
    requestedBy: ground.by,
    effectiveAt: begin,
    expiresAt: '2012-01-04T00:00:00.000Z',
    votes: [],
    decidedAt: null,
  });
  expect(await createRunRepository(ground.context).get(runId)).toMatchObject({
    state: 'awaiting-approval',
    approvalId: approval.id,
  });
  expect(await entered('approval.requested', approval)).toHaveLength(1);
  expect(await approvals.tally(approval.id, approval.runId)).toMatchObject({ status: 'pending' });
});

test('a vote is recorded with its voter and changes nothing until votes are counted', async () => {
  const approval = await ask(await freshScope());
  const voter = await approver('anna');
  const voted = await approvals.vote(approval.id, { ...ballot(approval), comment: 'looks good' }, voter);
  expect(voted).toMatchObject({
    status: 'pending',
    votes: [{ principalId: voter.id, principalName: 'anna', decision: 'approve', comment: 'looks good' }],
  });
  expect(await entered('approval.decided', approval)).toEqual([]);
  expect(await approvals.tally(approval.id, approval.runId)).toEqual({
    status: 'approved',
    expiresInMs: null,
    remindInMs: null,
  });
  expect(await approvals.get(approval.id)).toMatchObject({ status: 'approved', decidedAt: begin });
  expect(await entered('approval.voted', approval)).toMatchObject([{ principalName: 'anna', reason: 'looks good' }]);
  expect(await entered('approval.decided', approval)).toMatchObject([
    { principalName: 'anna', subject: { decision: 'approved', runId: approval.runId } },
  ]);
});

test('a vote on another digest is refused, and the error names the current one', async () => {
  const approval = await ask(await freshScope());
  const other = { ...ballot(approval), digest: digestOf('another') };
  await expect(approvals.vote(approval.id, other, await approver('anna'))).rejects.toMatchObject({
    code: 'digest-not-current',
    fields: { digest: approval.digest },
  });
  expect((await approvals.get(approval.id)).votes).toEqual([]);
});

test('the requester may not vote unless the policy permits it', async () => {
  const scope = await freshScope();
  const both = await approver('both');
  const approval = await ask(scope, {}, both.id);
  await expect(approvals.vote(approval.id, ballot(approval), both)).rejects.toMatchObject({ code: 'vote-refused' });
  const lenient = await ask(scope, { requesterMayVote: true }, both.id);
  expect((await approvals.vote(lenient.id, ballot(lenient), both)).votes).toHaveLength(1);
});

test('voting needs the role for this model in this environment', async () => {
  const approval = await ask(await freshScope());
  const { environment } = approval;
  const without = [
    await principal('an-operator', [{ role: 'operator' }]),
    await principal('of-another-model', [{ role: 'approver', project: 'default', model: 'other' }]),
    await principal('of-another-place', [{ role: 'admin', environment: 'production' }]),
    await principal('of-another-project', [{ role: 'approver', project: 'other' }]),
  ];
  for (const voter of without)
    await expect(approvals.vote(approval.id, ballot(approval), voter)).rejects.toMatchObject({ code: 'vote-refused' });
  const narrow = await principal('narrow', [
    { role: 'approver', project: 'default', model: 'bike-demand', environment },
  ]);
  const wide = await principal('wide', [{ role: 'admin' }]);
  await approvals.vote(approval.id, ballot(approval), narrow);
  expect((await approvals.vote(approval.id, ballot(approval), wide)).votes).toHaveLength(2);
});

test('a voter cannot vote again, with the same decision or another, or twice at once', async () => {
  const approval = await ask(await freshScope(), { votes: 2 });
  const voter = await approver('anna');
  const attempts = await Promise.allSettled(
    Array.from({ length: 8 }, () => approvals.vote(approval.id, ballot(approval), voter)),
  );
  expect(attempts.filter((attempt) => attempt.status === 'fulfilled')).toHaveLength(1);
  await expect(approvals.vote(approval.id, ballot(approval, 'reject'), voter)).rejects.toMatchObject({
    code: 'vote-refused',
  });
  expect(await entered('approval.voted', approval)).toHaveLength(1);
  expect(await approvals.tally(approval.id, approval.runId)).toMatchObject({ status: 'pending' });
});

test('two concurrent votes of two people both count once', async () => {
  const approval = await ask(await freshScope(), { votes: 2 });
  const voters = [await approver('anna'), await approver('bert')];
  await Promise.all(voters.map((voter) => approvals.vote(approval.id, ballot(approval), voter)));
  expect((await approvals.get(approval.id)).votes.map((vote) => vote.principalName).toSorted()).toEqual([
    'anna',
    'bert',
  ]);
  expect(await approvals.tally(approval.id, approval.runId)).toMatchObject({ status: 'approved' });
});

test('twenty concurrent counts make one decision', async () => {
  const approval = await ask(await freshScope());
  await approvals.vote(approval.id, ballot(approval), await approver('anna'));
  const answers = await Promise.all(Array.from({ length: 20 }, () => approvals.tally(approval.id, approval.runId)));
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set(['approved']));
  expect(await entered('approval.decided', approval)).toHaveLength(1);
});

test('one reject rejects the request, whatever the other votes are', async () => {
  const approval = await ask(await freshScope(), { votes: 1 });
  await approvals.vote(approval.id, ballot(approval), await approver('anna'));
  await approvals.vote(approval.id, ballot(approval, 'reject'), await approver('bert'));
  expect(await approvals.tally(approval.id, approval.runId)).toMatchObject({ status: 'rejected' });
  expect(await entered('approval.decided', approval)).toMatchObject([{ principalName: 'bert' }]);
  await expect(approvals.vote(approval.id, ballot(approval), await approver('carl'))).rejects.toMatchObject({
    code: 'approval-closed',
  });
});

test("a request expires by the environment's clock: later votes are refused, and the count reports the expiry once", async () => {
  const approval = await ask(await freshScope());
  const environments = createEnvironmentRepository(ground.context);
  await environments.advanceClock('default', approval.environment, '2012-01-03T23:59:59.999Z');
  expect(await approvals.tally(approval.id, approval.runId)).toMatchObject({ status: 'pending' });
  await environments.advanceClock('default', approval.environment, '2012-01-04T00:00:00.000Z');
  await expect(approvals.vote(approval.id, ballot(approval), await approver('anna'))).rejects.toMatchObject({
    code: 'approval-closed',
    fields: { status: 'expired' },
  });
  expect(await approvals.tally(approval.id, approval.runId)).toEqual({
    status: 'expired',
    expiresInMs: null,
    remindInMs: null,
  });
  expect(await approvals.tally(approval.id, approval.runId)).toEqual({
    status: 'expired',
    expiresInMs: null,
    remindInMs: null,
  });
  expect(await entered('approval.decided', approval)).toHaveLength(1);
});

test('a vote in time counts, however late votes are counted', async () => {
  const approval = await ask(await freshScope());
  await approvals.vote(approval.id, ballot(approval), await approver('anna'));
  await createEnvironmentRepository(ground.context).advanceClock(
    'default',
    approval.environment,
    '2013-01-01T00:00:00.000Z',
  );
  expect(await approvals.tally(approval.id, approval.runId)).toMatchObject({ status: 'approved' });
});

test('the count returns the remaining time on a wall clock, and none on a virtual clock', async () => {
  const { context, scope } = ground;
  const approval = await ask(scope);
  const { expiresInMs } = await approvals.tally(approval.id, approval.runId);
  const left = Date.parse(approval.expiresAt) - Date.parse(context.clock.now());
  expect(expiresInMs).toBeGreaterThanOrEqual(left);
  expect(expiresInMs).toBeLessThanOrEqual(72 * 3_600_000);
  const virtual = await ask(await freshScope());
  expect(await approvals.tally(virtual.id, virtual.runId)).toEqual({
    status: 'pending',
    expiresInMs: null,
    remindInMs: null,
  });
});

test('a newer request supersedes the older ones of its scope, and no others', async () => {
  const scope = await freshScope();
  const elsewhere = await ask(await freshScope());
  const older = await ask(scope);
  const newer = await ask(scope);
  expect(await approvals.get(older.id)).toMatchObject({ status: 'superseded', decidedAt: begin });
  expect(await entered('approval.decided', older)).toMatchObject([{ subject: { decision: 'superseded' } }]);
  expect(await approvals.tally(older.id, older.runId)).toEqual({
    status: 'superseded',
    expiresInMs: null,
    remindInMs: null,
  });
  await expect(approvals.vote(older.id, ballot(older), await approver('anna'))).rejects.toMatchObject({
    code: 'approval-closed',
  });
  expect(await approvals.get(newer.id)).toMatchObject({ status: 'pending' });
  expect(await approvals.get(elsewhere.id)).toMatchObject({ status: 'pending' });
});

test('of ten concurrent requests one stays pending', async () => {
  const scope = await freshScope();
  const asked = await Promise.all(Array.from({ length: 10 }, () => ask(scope)));
  const now = await Promise.all(asked.map((approval) => approvals.get(approval.id)));
  expect(now.filter((approval) => approval.status === 'pending')).toHaveLength(1);
  expect(now.filter((approval) => approval.status === 'superseded')).toHaveLength(9);
});

test('a policy without votes approves at once, and the run does not wait', async () => {
  const approval = await ask(await freshScope(), { votes: 0 });
  expect(approval).toMatchObject({ status: 'approved', votes: [], decidedAt: begin });
  expect(await entered('approval.decided', approval)).toHaveLength(1);
  expect((await createRunRepository(ground.context).get(approval.runId)).state).toBe('running');
  expect(await approvals.tally(approval.id, approval.runId)).toMatchObject({ status: 'approved' });
});

test('a cancelled run requests nothing and supersedes nothing', async () => {
  const scope = await freshScope();
  const waiting = await ask(scope);
  const runId = await beginDeploy(scope);
  await createRunRepository(ground.context).cancel(runId, 'a rollback');
  await expect(approvals.request(scope, requestOf(scope, runId))).rejects.toMatchObject({ code: 'cancelled' });
  expect(await approvals.get(waiting.id)).toMatchObject({ status: 'pending' });
});

test('requests are listed newest first, by page, status, model and environment', async () => {
  const list = (
    filter: { status?: 'pending'; model?: string; environment?: string },
    page: { limit: number; cursor?: string },
  ) => approvals.list(platformViewer, { project: 'default', ...filter }, page);
  const whole = await list({}, { limit: 200 });
  const first = await list({}, { limit: 2 });
  const second = await list({}, { limit: 2, cursor: first.next! });
  expect([...first.items, ...second.items]).toEqual(whole.items.slice(0, 4));
  const pending = await list({ status: 'pending' }, { limit: 200 });
  expect(pending.items.length).toBeGreaterThan(0);
  expect(pending.items.every((approval) => approval.status === 'pending')).toBe(true);
  expect((await list({ model: 'another' }, { limit: 10 })).items).toEqual([]);
  const { environment } = whole.items[0]!;
  expect((await list({ environment }, { limit: 200 })).items).toContainEqual(whole.items[0]);
  expect((await list({ environment: 'another' }, { limit: 10 })).items).toEqual([]);
  expect((await approvals.list(platformViewer, { project: 'other' }, { limit: 10 })).items).toEqual([]);
});

test('an unknown request is not found, and the ledger is valid', async () => {
  const absent = ground.context.ids.next();
  await expect(approvals.get(absent)).rejects.toMatchObject({ code: 'not-found' });
  await expect(approvals.tally(absent, absent)).rejects.toMatchObject({ code: 'not-found' });
  expect((await createLedgerRepository(ground.context).verify(ground.scope.modelId)).problem).toBeNull();
});

test('the principal who recorded the training code cannot vote on its models unless the policy permits it', async () => {
  const { context, by } = ground;
  const repositories = createPostgresRepositories({ url: ground.database.url, clock: context.clock, ids: context.ids });
  try {
    const scope = await freshScope();
    const committer = await approver('committer');
    const { evaluation } = await seedVersion(repositories, scope, committer.id, { seed: 77 });
    const askFor = async (given: Partial<ApprovalPolicy>) => {
      const runId = await beginDeploy(scope);
      const { digest: release } = await repositories.deployments.makeRelease(scope, evaluation.id, { runId, by });
      const request = requestOf(scope, runId, given);
      return approvals.request(scope, { ...request, subject: { ...request.subject, release } });
    };
    const asked = await askFor({});
    await expect(approvals.vote(asked.id, ballot(asked), committer)).rejects.toMatchObject({
      code: 'vote-refused',
      message: expect.stringContaining('recorded the training code of the release'),
    });
    const lenient = await askFor({ lastCommitterMayVote: true });
    expect(await approvals.vote(lenient.id, ballot(lenient), committer)).toMatchObject({
      votes: [{ decision: 'approve' }],
    });
  } finally {
    await repositories.close();
  }
});

test('after half of the time the eligible voters are reminded once, and the workflow knows when to check', async () => {
  const { context, by } = ground;
  let ahead = 0;
  const clock = { now: () => new Date(Date.now() + ahead).toISOString() };
  const timely = createApprovalRepository({ ...context, clock });
  const environment = `place-${(made += 1)}`;
  const { scope } = await createModelRepository(context).apply('default', environment, configuration, by);
  const request = requestOf(scope, await beginDeploy(scope), { expires: '10h' });
  const asked = await timely.request(scope, request);
  const first = await timely.tally(asked.id, asked.runId);
  expect(first.remindInMs).toBeGreaterThan(4.9 * 3_600_000);
  expect(first.remindInMs).toBeLessThanOrEqual(5 * 3_600_000);
  expect(await entered('approval.reminded', asked)).toEqual([]);
  ahead = 5 * 3_600_000 + 1;
  for (let look = 0; look < 3; look += 1)
    expect(await timely.tally(asked.id, asked.runId)).toMatchObject({ status: 'pending', remindInMs: null });
  expect(await entered('approval.reminded', asked)).toMatchObject([
    {
      reason: `half of the time to vote has passed; the request expires at ${asked.expiresAt}`,
      subject: { roles: ['approver'] },
    },
  ]);
});
