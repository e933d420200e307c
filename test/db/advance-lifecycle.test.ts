import { afterAll, beforeAll, expect, test } from 'vitest';
import { planLifecycle } from '../../activities/lifecycle/plan-lifecycle.ts';
import type { Command, CommandBody } from '../../contracts/runs/command.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { LifecycleOrders } from '../../contracts/runs/lifecycle-plan.ts';
import type { RunRequest } from '../../contracts/runs/run.ts';
import { seedApproval } from '../support/seed-candidate.ts';
import {
  deploy,
  entriesOf,
  freshScope,
  layDeploymentGround,
  rollOut,
  seedCandidate,
  serving,
  type DeploymentGround,
} from './deployment-ground.ts';

let ground: DeploymentGround;

beforeAll(async () => {
  ground = await layDeploymentGround();
});

afterAll(() => ground?.end());

const dataRun = {
  kind: 'data',
  schemaVersion: 1,
  files: [{ name: 'a.csv', sha256: '0'.repeat(64), format: 'csv' }],
} satisfies RunRequest;
const rollback = { kind: 'rollback', schemaVersion: 1, reason: 'it is wrong' } satisfies RunRequest;
const failure = { code: 'process-died', message: 'terminated', fields: {} };

function submit(scope: Scope, body: CommandBody): Promise<Command> {
  return ground.repositories.lifecycle.submit(scope, body, ground.by);
}

async function queue(scope: Scope, request: RunRequest): Promise<Id> {
  return (await submit(scope, { kind: 'run', schemaVersion: 1, request })).runId!;
}

function cancel(scope: Scope, runId: Id, reason = 'not wanted'): Promise<Command> {
  return submit(scope, { kind: 'cancel', schemaVersion: 1, runId, reason });
}

function trigger(scope: Scope, fingerprint: string, kind: 'manual' | 'drift' = 'manual'): Promise<Command> {
  return submit(scope, {
    kind: 'trigger',
    schemaVersion: 1,
    trigger: kind,
    reason: `because ${fingerprint}`,
    fingerprint,
  });
}

function advance(scope: Scope): Promise<LifecycleOrders> {
  return ground.repositories.lifecycle.advance(scope, planLifecycle);
}

/** Returns the ordered runs without monitoring, which starts as soon as anything serves. */
function started(orders: LifecycleOrders): Id[] {
  return orders.start.filter((order) => order.kind !== 'monitor').map((order) => order.runId);
}

async function stateOf(runId: Id): Promise<string> {
  return (await ground.repositories.runs.get(runId)).state;
}

test('commands are executed once, in the order in which they were submitted', async () => {
  const scope = await freshScope(ground);
  const given: Command[] = [];
  for (let i = 0; i < 12; i += 1) given.push(await trigger(scope, `${i}`));
  await advance(scope);
  await advance(scope);
  const recorded = await entriesOf(ground, scope, 'trigger.recorded');
  expect(recorded.map((entry) => entry.reason)).toEqual(given.map((_, i) => `because ${i}`));
  const now = await Promise.all(given.map(({ id }) => ground.repositories.lifecycle.command(id)));
  expect(now.every((command) => command.status === 'accepted' && command.refusal === null)).toBe(true);
});

test('an impossible command is refused with the reason, and delays none of the later ones', async () => {
  const scope = await freshScope(ground);
  const elsewhere = await queue(await freshScope(ground), dataRun);
  const ended = await queue(scope, dataRun);
  await ground.repositories.runs.begin(ended);
  await ground.repositories.runs.fail(ended, failure);
  const refused = [
    await cancel(scope, ground.context.ids.next()),
    await cancel(scope, elsewhere),
    await cancel(scope, ended),
    await submit(scope, { kind: 'settle', schemaVersion: 1, asOf: '2011-08-01T00:00:00.000Z' }),
  ];
  const behind = await trigger(scope, 'behind');
  await advance(scope);
  const told = await Promise.all(refused.map(({ id }) => ground.repositories.lifecycle.command(id)));
  expect(told.map(({ status, refusal }) => [status, refusal])).toEqual([
    ['refused', expect.stringContaining('there is no run')],
    ['refused', expect.stringContaining(`there is no run ${elsewhere}`)],
    ['refused', 'the run has already ended (failed)'],
    ['refused', expect.stringContaining('wall clock')],
  ]);
  expect(await ground.repositories.lifecycle.command(behind.id)).toMatchObject({ status: 'accepted' });
  expect(await entriesOf(ground, scope, 'command.refused')).toHaveLength(4);
  expect(await stateOf(elsewhere)).toBe('queued');
});

test('commands beyond the limit of one check are executed in the next check, which follows immediately', async () => {
  const scope = await freshScope(ground);
  const resume = { kind: 'resume', schemaVersion: 1, reason: 'again' } as const;
  const given = await Promise.all(Array.from({ length: 501 }, () => submit(scope, resume)));
  expect((await advance(scope)).wakeInMs).toBe(0);
  expect((await advance(scope)).wakeInMs).not.toBe(0);
  const last = given
    .map(({ id }) => id)
    .toSorted()
    .at(-1)!;
  expect(await ground.repositories.lifecycle.command(last)).toMatchObject({ status: 'accepted' });
});

test('a start order is repeated until the run has begun, and the next run of its kind waits until its end', async () => {
  const scope = await freshScope(ground);
  const [first, second] = [await queue(scope, dataRun), await queue(scope, dataRun)];
  const orders = await advance(scope);
  expect(orders.start).toEqual([
    {
      runId: first,
      kind: 'data',
      workflowId: `${scope.model}/production/data/${first}`,
      because: 'manual',
    },
  ]);
  expect((await advance(scope)).start).toEqual(orders.start);
  await ground.repositories.runs.begin(first);
  expect((await advance(scope)).start).toEqual([]);
  await ground.repositories.runs.fail(first, failure);
  expect(started(await advance(scope))).toEqual([second]);
});

test('a cancelled run in the queue ends at once and never starts, in the name of the principal who cancelled it', async () => {
  const scope = await freshScope(ground);
  const runId = await queue(scope, dataRun);
  const person = await ground.repositories.principals.ensure('somebody', 'person', [], null);
  const body = { kind: 'cancel', schemaVersion: 1, runId, reason: 'the file was wrong' } as const;
  await ground.repositories.lifecycle.submit(scope, body, person.id);
  expect(await advance(scope)).toMatchObject({ start: [], cancel: [] });
  expect(await ground.repositories.runs.get(runId)).toMatchObject({ state: 'cancelled', reason: body.reason });
  expect(await entriesOf(ground, scope, 'run.cancelled')).toMatchObject([
    { reason: body.reason, principalName: 'somebody', subject: { runId } },
  ]);
});

test('a cancel order is repeated until the running run has ended with the reason', async () => {
  const scope = await freshScope(ground);
  const runId = await queue(scope, dataRun);
  await advance(scope);
  await cancel(scope, runId, 'ordered, not begun');
  const workflowId = `${scope.model}/production/data/${runId}`;
  expect(await advance(scope)).toMatchObject({ start: [{ runId }], cancel: [{ workflowId }] });
  await ground.repositories.runs.begin(runId);
  await cancel(scope, runId, 'asked twice');
  for (let times = 0; times < 3; times += 1)
    expect(await advance(scope)).toMatchObject({ start: [], cancel: [{ workflowId }] });
  await ground.repositories.runs.cancel(runId, 'cancelled');
  expect(await advance(scope)).toMatchObject({ cancel: [] });
  expect(await ground.repositories.runs.get(runId)).toMatchObject({ reason: 'ordered, not begun' });
});

test('a rollback pre-empts earlier requests; a person’s build continues, and later requests wait', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  await deploy(ground, scope, 2);
  const { runId: canary } = await rollOut(ground, scope, 3, [10]);
  const { evaluation } = await seedCandidate(ground, scope, 4);
  const deployment = { kind: 'deploy', schemaVersion: 1, evaluationId: evaluation.id, automated: false } as const;
  const queued = await queue(scope, deployment);
  const asOf = ground.clock.now();
  const build = await queue(scope, { kind: 'build', schemaVersion: 1, asOf, automated: false });
  const back = await queue(scope, rollback);
  const later = await queue(scope, deployment);
  const orders = await advance(scope);
  expect(started(orders)).toEqual([build, back]);
  expect(orders.cancel).toEqual([{ workflowId: `${scope.model}/production/deploy/${canary}` }]);
  expect(await stateOf(queued)).toBe('cancelled');
  for (const runId of [build, back]) await ground.repositories.runs.begin(runId);
  const again = await advance(scope);
  expect(started(again)).toEqual([]);
  expect(again.cancel).toEqual(orders.cancel);
  await ground.repositories.runs.cancel(canary, 'cancelled');
  await ground.repositories.deployments.rollback(scope, { runId: back, reason: 'it is wrong', by: ground.by });
  await ground.repositories.runs.fail(back, failure);
  expect(started(await advance(scope))).toEqual([later]);
});

test('a trigger during a rollback is not lost, and its build begins after the rollback', async () => {
  const scope = await freshScope(ground);
  const back = await queue(scope, rollback);
  await trigger(scope, 'meanwhile');
  expect(started(await advance(scope))).toEqual([back]);
  await ground.repositories.runs.begin(back);
  expect(started(await advance(scope))).toEqual([]);
  await ground.repositories.runs.fail(back, failure);
  expect((await advance(scope)).start).toMatchObject([{ kind: 'build', because: 'manual' }]);
});

test('a run that ends during its rollout takes its canary down, whoever ended it', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const { runId } = await rollOut(ground, scope, 2, [10]);
  await advance(scope);
  expect(await serving(ground, scope)).toEqual(['champion 1 90', 'canary 2 10']);
  await ground.repositories.runs.fail(runId, failure);
  await advance(scope);
  await advance(scope);
  expect(await serving(ground, scope)).toEqual(['champion 1 100']);
  expect(await ground.repositories.deployments.current(scope)).toMatchObject({ generation: 3, change: 'abort', runId });
  expect((await ground.repositories.models.heads(scope)).rolloutRunId).toBeNull();
});

test('an ended deployment is not nudged, and one with a decision is nudged until it continues', async () => {
  const scope = await freshScope(ground);
  const { repositories } = ground;
  const gone = await seedApproval(repositories, scope, ground.by, await seedCandidate(ground, scope, 1));
  await repositories.runs.cancel(gone.runId, 'cancelled');
  expect((await advance(scope)).nudge).toEqual([]);
  expect(await repositories.approvals.get(gone.approval.id)).toMatchObject({ status: 'superseded' });

  const { approval, runId } = await seedApproval(repositories, scope, ground.by, await seedCandidate(ground, scope, 2));
  expect((await advance(scope)).nudge).toEqual([]);
  const voter = await repositories.principals.ensure('approver', 'person', [{ role: 'approver' }], null);
  await repositories.approvals.vote(approval.id, { decision: 'approve', digest: approval.digest, comment: '' }, voter);
  await repositories.approvals.tally(approval.id, approval.runId);
  const workflowId = `${scope.model}/production/deploy/${runId}`;
  expect((await advance(scope)).nudge).toEqual([workflowId]);
  expect((await advance(scope)).nudge).toEqual([workflowId]);
  expect(await repositories.deployments.beginRollout(scope, runId)).toBe('begun');
  expect((await advance(scope)).nudge).toEqual([]);
});

test('settling a virtual clock moves it forward and builds without debounce, and a late call moves nothing back', async () => {
  const virtualNow = '2011-07-01T00:00:00.000Z';
  const scope = await freshScope(ground, { virtualNow, retrain: { on: ['drift'] } });
  await trigger(scope, 'drifted', 'drift');
  expect(await advance(scope)).toMatchObject({ start: [], wakeInMs: null });
  const settle = (asOf: string) => submit(scope, { kind: 'settle', schemaVersion: 1, asOf });
  await settle('2011-08-01T00:00:00.000Z');
  await settle(virtualNow);
  const [order] = (await advance(scope)).start;
  expect(order).toMatchObject({ kind: 'build', because: 'drift' });
  const { request } = await ground.repositories.runs.get(order!.runId);
  expect(request).toMatchObject({ kind: 'build', asOf: '2011-08-01T00:00:00.000Z', automated: true });
  expect(await ground.repositories.environments.now('default', scope.environment)).toBe('2011-08-01T00:00:00.000Z');
});

test('scopes whose commands wait too long are reported once each, until the commands are executed', async () => {
  const [waiting, taken] = [await freshScope(ground), await freshScope(ground)];
  for (const scope of [waiting, waiting, taken]) await trigger(scope, `${Math.random()}`);
  const stranded = async (olderThanMs: number) =>
    (await ground.repositories.lifecycle.stranded(olderThanMs)).filter((scope) =>
      [waiting.modelId, taken.modelId].includes(scope.modelId),
    );
  expect(await stranded(60_000)).toEqual([]);
  ground.clock.pass(120_000);
  await advance(taken);
  expect(await stranded(60_000)).toEqual([waiting]);
  await advance(waiting);
  expect(await stranded(60_000)).toEqual([]);
});
