import { afterAll, beforeAll, expect, test } from 'vitest';
import { planLifecycle } from '../../activities/lifecycle/plan-lifecycle.ts';
import type { ApprovalSubject } from '../../contracts/serving/approval.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { LifecycleOrders } from '../../contracts/runs/lifecycle-plan.ts';
import type { RunKind } from '../../contracts/runs/run.ts';
import type { TriggerKind } from '../../contracts/runs/trigger.ts';
import { seedCode, seedDataset } from '../support/seed-candidate.ts';
import { beginRunOf } from '../support/begin-run-of.ts';
import {
  automatedCandidate,
  beginDeploy,
  deploy,
  entriesOf,
  freshScope,
  layDeploymentGround,
  type DeploymentGround,
} from './deployment-ground.ts';

let ground: DeploymentGround;

beforeAll(async () => {
  ground = await layDeploymentGround();
});

afterAll(() => ground?.end());

const minute = 60_000;
const hour = 60 * minute;
const failure = { code: 'training-failed', message: 'exit code 3', fields: {} };

async function trigger(scope: Scope, kind: TriggerKind, fingerprint: string): Promise<void> {
  const body = { kind: 'trigger', schemaVersion: 1, trigger: kind, reason: 'a test', fingerprint } as const;
  await ground.repositories.lifecycle.submit(scope, body, ground.by);
}

function advance(scope: Scope): Promise<LifecycleOrders> {
  return ground.repositories.lifecycle.advance(scope, planLifecycle);
}

function ordersFor(orders: LifecycleOrders, kind: RunKind): LifecycleOrders['start'] {
  return orders.start.filter((order) => order.kind === kind);
}

/** Begins the one build that the orders start, and lets it fail. */
async function endBuild(orders: LifecycleOrders): Promise<void> {
  const [order] = ordersFor(orders, 'build');
  await ground.repositories.runs.begin(order!.runId);
  await ground.repositories.runs.fail(order!.runId, failure);
}

async function automatedDeploy(scope: Scope, evaluationId: Id) {
  const { runId, release } = await beginDeploy(ground, scope, evaluationId, true);
  const { body } = await ground.repositories.evaluations.get(evaluationId);
  const subject: ApprovalSubject = {
    schemaVersion: 1,
    release: release.digest,
    environment: scope.environment,
    strategy: { canary: [100], bake: '5m', minRequests: 0 },
    policy: { votes: 1, roles: ['approver'], requesterMayVote: false, expires: '72h' },
    champion: null,
  };
  const approval = await ground.repositories.approvals.request(scope, {
    runId,
    digest: sha256OfJson(subject),
    subject,
    evidence: {
      schemaVersion: 1,
      modelVersion: 1,
      championVersion: null,
      dataset: 1,
      code: 1,
      evaluation: body,
      rollbackTarget: null,
    },
    by: ground.by,
  });
  return { runId, approval };
}

test('a person’s trigger builds at once, and repeating it builds nothing more', async () => {
  const scope = await freshScope(ground);
  await trigger(scope, 'manual', 'once');
  const orders = await advance(scope);
  expect(orders.start).toMatchObject([{ kind: 'build', because: 'manual' }]);
  expect(await ground.repositories.runs.get(orders.start[0]!.runId)).toMatchObject({
    state: 'queued',
    request: { kind: 'build', automated: true },
  });
  await endBuild(orders);
  await trigger(scope, 'manual', 'once');
  expect((await advance(scope)).start).toEqual([]);
  expect(await entriesOf(ground, scope, 'trigger.recorded')).toHaveLength(1);
});

test('repeated triggers give one build, after a debounce without triggers, and it names them as its reasons', async () => {
  const scope = await freshScope(ground, { retrain: { on: ['drift', 'performance'], debounce: '10m' } });
  await trigger(scope, 'drift', 'hum');
  const wait = (await advance(scope)).wakeInMs!;
  expect(wait).toBeGreaterThan(9 * minute);
  expect(wait).toBeLessThanOrEqual(10 * minute);
  ground.clock.pass(9 * minute);
  await trigger(scope, 'performance', 'rmse');
  expect((await advance(scope)).start).toEqual([]);
  ground.clock.pass(9 * minute);
  expect((await advance(scope)).start).toEqual([]);
  ground.clock.pass(minute);
  expect((await advance(scope)).start).toMatchObject([{ kind: 'build', because: 'drift, performance' }]);
});

test('a trigger that retrain.on does not list is dropped once, with the reason', async () => {
  const scope = await freshScope(ground, { retrain: { on: ['drift'] } });
  await trigger(scope, 'new-code', 'abc');
  await advance(scope);
  await advance(scope);
  expect(await entriesOf(ground, scope, 'trigger.dropped')).toMatchObject([
    { reason: 'retrain.on does not list new-code', principalName: 'lifecycle' },
  ]);
});

test('a cooldown delays automated builds, but not a person’s', async () => {
  const scope = await freshScope(ground, { retrain: { on: ['drift'], debounce: '1m', cooldown: '24h' } });
  await trigger(scope, 'drift', 'first');
  await advance(scope);
  ground.clock.pass(minute);
  await endBuild(await advance(scope));
  await trigger(scope, 'drift', 'second');
  const wait = (await advance(scope)).wakeInMs!;
  expect(wait).toBeGreaterThan(23 * hour);
  expect(wait).toBeLessThanOrEqual(24 * hour);
  await trigger(scope, 'manual', 'now');
  await endBuild(await advance(scope));
  await trigger(scope, 'drift', 'third');
  ground.clock.pass(23 * hour);
  expect((await advance(scope)).start).toEqual([]);
  ground.clock.pass(hour);
  expect((await advance(scope)).start).toMatchObject([{ kind: 'build', because: 'drift' }]);
});

test('a spent budget waits for the next calendar period in the data’s timezone', async () => {
  const virtualNow = '2011-07-31T12:00:00.000Z';
  const scope = await freshScope(ground, { virtualNow, retrain: { budget: '2 per month' } });
  for (const fingerprint of ['first', 'second']) {
    await trigger(scope, 'manual', fingerprint);
    await endBuild(await advance(scope));
  }
  await trigger(scope, 'manual', 'third');
  expect((await advance(scope)).start).toEqual([]);
  const settle = (asOf: string) =>
    ground.repositories.lifecycle.submit(scope, { kind: 'settle', schemaVersion: 1, asOf }, ground.by);
  await settle('2011-07-31T23:59:59.999Z');
  expect((await advance(scope)).start).toEqual([]);
  await settle('2011-08-01T00:00:00.000Z');
  expect((await advance(scope)).start).toMatchObject([{ kind: 'build' }]);
});

test('only one build runs at a time, whoever requested it', async () => {
  const scope = await freshScope(ground);
  const request = { kind: 'build', schemaVersion: 1, asOf: ground.clock.now(), automated: false } as const;
  await ground.repositories.lifecycle.submit(scope, { kind: 'run', schemaVersion: 1, request }, ground.by);
  await trigger(scope, 'manual', 'meanwhile');
  const orders = await advance(scope);
  expect(orders.start).toMatchObject([{ kind: 'build' }]);
  expect((await advance(scope)).start).toEqual(orders.start);
  await endBuild(orders);
  const next = await advance(scope);
  expect(next.start).toMatchObject([{ kind: 'build' }]);
  expect(next.start[0]!.runId).not.toBe(orders.start[0]!.runId);
});

test('new code triggers a build once per version and only if listed, and data without a new row triggers none', async () => {
  const listed = await freshScope(ground, { retrain: { on: ['new-code', 'new-data'], debounce: '1m' } });
  const unlisted = await freshScope(ground, { retrain: { on: [], debounce: '1m' } });
  for (const scope of [listed, unlisted]) {
    await seedDataset(ground.repositories, scope, ground.by);
    await seedCode(ground.repositories, scope, ground.by, 'archive');
    await seedCode(ground.repositories, scope, ground.by, 'archive');
    await advance(scope);
  }
  ground.clock.pass(minute);
  expect((await advance(listed)).start).toMatchObject([{ kind: 'build', because: 'new-code' }]);
  expect((await advance(unlisted)).start).toEqual([]);
  expect(await entriesOf(ground, listed, 'trigger.recorded')).toHaveLength(1);
});

test('a candidate of an automated build gets one deploy run, for the reason of its build', async () => {
  const scope = await freshScope(ground);
  const evaluationId = await automatedCandidate(ground, scope, 1);
  const looks = await Promise.all(Array.from({ length: 5 }, () => advance(scope)));
  const [first] = looks.map((orders) => ordersFor(orders, 'deploy'));
  expect(first).toMatchObject([{ kind: 'deploy', because: 'drift' }]);
  for (const orders of looks) expect(ordersFor(orders, 'deploy')).toEqual(first);
  const { runId } = first![0]!;
  const { request, recordedBy } = await ground.repositories.runs.get(runId);
  expect(request).toEqual({ kind: 'deploy', schemaVersion: 1, evaluationId, automated: true });
  expect(await ground.repositories.principals.get(recordedBy)).toMatchObject({ name: 'lifecycle' });
  await ground.repositories.runs.begin(runId);
  await ground.repositories.runs.fail(runId, failure);
  expect(ordersFor(await advance(scope), 'deploy')).toEqual([]);
});

test('a candidate is passed over during a hold, which is recorded once, and resuming does not bring it back', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  await deploy(ground, scope, 2);
  const { repositories, by, context } = ground;
  const back = await beginRunOf('rollback', { context, scope, by });
  await repositories.deployments.rollback(scope, { runId: back, reason: 'it is wrong', by });
  await repositories.runs.cancel(back, 'over');
  const evaluationId = await automatedCandidate(ground, scope, 3);
  for (let looks = 0; looks < 3; looks += 1) expect(ordersFor(await advance(scope), 'deploy')).toEqual([]);
  const passedOver = async () =>
    (await entriesOf(ground, scope, 'deployment.ended')).filter((entry) => entry.subject.decision === 'passed-over');
  expect(await passedOver()).toMatchObject([
    { reason: 'automatic promotion is on hold', subject: { evaluationId }, principalName: 'lifecycle' },
  ]);
  await repositories.lifecycle.submit(scope, { kind: 'resume', schemaVersion: 1, reason: 'mended' }, by);
  expect(ordersFor(await advance(scope), 'deploy')).toEqual([]);
  const next = await automatedCandidate(ground, scope, 4);
  const [order] = ordersFor(await advance(scope), 'deploy');
  expect((await repositories.runs.get(order!.runId)).request).toMatchObject({ evaluationId: next });
  expect(await passedOver()).toHaveLength(1);
});

test('a newer candidate replaces older ones that wait for a vote or were never requested', async () => {
  const scope = await freshScope(ground);
  const first = await automatedCandidate(ground, scope, 1);
  const waiting = await automatedDeploy(scope, first);
  const unseen = await automatedCandidate(ground, scope, 2);
  const newest = await automatedCandidate(ground, scope, 3);
  const orders = await advance(scope);
  const [order, ...others] = ordersFor(orders, 'deploy');
  expect(others).toEqual([]);
  expect((await ground.repositories.runs.get(order!.runId)).request).toMatchObject({ evaluationId: newest });
  expect(orders.nudge).toEqual([`${scope.model}/production/deploy/${waiting.runId}`]);
  expect(await ground.repositories.approvals.get(waiting.approval.id)).toMatchObject({ status: 'superseded' });
  expect(await entriesOf(ground, scope, 'deployment.ended')).toMatchObject([
    { reason: 'a newer candidate took its place', subject: { evaluationId: unseen } },
  ]);
  const decided = await entriesOf(ground, scope, 'approval.decided');
  expect(decided).toMatchObject([{ reason: 'a newer candidate took its place', principalName: 'lifecycle' }]);
  expect((await ground.repositories.ledger.verify(scope.modelId)).problem).toBeNull();
});

test('a serving model is monitored at its configured interval, one report at a time', async () => {
  const scope = await freshScope(ground);
  expect(ordersFor(await advance(scope), 'monitor')).toEqual([]);
  await deploy(ground, scope, 1);
  const orders = ordersFor(await advance(scope), 'monitor');
  expect(orders).toMatchObject([{ because: 'schedule' }]);
  ground.clock.pass(2 * hour);
  expect(ordersFor(await advance(scope), 'monitor')).toEqual(orders);
  await ground.repositories.runs.begin(orders[0]!.runId);
  await ground.repositories.runs.fail(orders[0]!.runId, failure);
  const next = ordersFor(await advance(scope), 'monitor');
  expect(next).toHaveLength(1);
  await ground.repositories.runs.begin(next[0]!.runId);
  await ground.repositories.runs.fail(next[0]!.runId, failure);
  const quiet = await advance(scope);
  expect(ordersFor(quiet, 'monitor')).toEqual([]);
  expect(quiet.wakeInMs).toBeGreaterThan(0.9 * hour);
  expect(quiet.wakeInMs).toBeLessThanOrEqual(hour);
});
