import { sql } from '../../db/connection/orm.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { Id } from '../../contracts/identifiers.ts';
import { lifecycleWorkflowId } from '../../contracts/runs/workflows.ts';
import { planLifecycle } from '../../activities/lifecycle/plan-lifecycle.ts';
import type { Came } from '../support/foreign-client.ts';
import { startForeignClient, type ForeignClient } from '../support/foreign-client.ts';
import { layForeignGround, type ForeignGround } from '../support/foreign-ground.ts';

// A client that is faster than the lifecycle, or that ends the real workflow first, can execute the run itself. Nothing
// distinguishes it from the real workflow, but the database still permits only what the run is entitled to.

let client: ForeignClient;
let ground: ForeignGround;
let models = 0;

beforeAll(async () => {
  client = await startForeignClient();
});
afterAll(() => client?.stop());
beforeEach(async () => {
  ground = await layForeignGround(client, `model-${(models += 1)}`);
});

/** Runs an activity as the run's own execution. */
async function own(runId: Id, activity: string, taskQueue: string, more: Readonly<Record<string, unknown>> = {}) {
  await ground.free(runId);
  const input = { runId, scope: ground.scope, ...more };
  return client.ask({ activity, taskQueue, input }, await ground.workflowIdOf(runId));
}

const serving = async (): Promise<readonly string[]> =>
  ((await client.deps.repositories.deployments.current(ground.scope))?.slots ?? []).map(
    ({ role, releaseDigest, weight }) =>
      `${role} ${releaseDigest === ground.serving.digest ? 'served before' : 'new'} ${weight}`,
  );

const refused = { code: 'unproven' };

function promoted() {
  const { release } = ground.pending;
  const told = { releaseId: release.id, releaseDigest: release.digest, generation: 2, reasons: [] };
  return { conclusion: { state: 'succeeded', outcome: { kind: 'deploy', decision: 'promoted', ...told } } };
}

test('a run with a pending approval can serve nothing', async () => {
  const { runId } = ground.pending;
  expect(await own(runId, 'beginRollout', 'deploy')).toMatchObject(refused);
  expect(await own(runId, 'raiseGeneration', 'deploy', { weight: 100 })).toMatchObject(refused);
  expect(await own(runId, 'raiseGeneration', 'deploy', { weight: 10 })).toMatchObject(refused);
  await own(runId, 'endRollout', 'deploy');
  expect(await own(runId, 'concludeRun', 'deploy', promoted())).toMatchObject(refused);
  expect(await serving()).toEqual(['champion served before 100']);
  expect(await client.deps.repositories.approvals.get(ground.pending.approval.id)).toMatchObject({ status: 'pending' });
  expect(await client.deps.repositories.runs.get(runId)).toMatchObject({ state: 'awaiting-approval' });
});

test('a forged status of an approval, or a changed subject, lets its run serve nothing', async () => {
  const { runId, approval } = ground.pending;
  const change = (set: ReturnType<typeof sql>) =>
    client.context.db.execute(sql`update approvals set ${set} where id = ${approval.id}::uuid`);
  await change(sql`status = 'approved'`);
  expect(await own(runId, 'beginRollout', 'deploy')).toMatchObject({
    ...refused,
    message: expect.stringContaining('its votes do not approve it'),
  });
  await change(sql`subject = jsonb_set(subject, '{policy,votes}', '0')`);
  expect(await own(runId, 'beginRollout', 'deploy')).toMatchObject({
    ...refused,
    message: expect.stringContaining('does not match its content'),
  });
  expect(await serving()).toEqual(['champion served before 100']);
});

async function approve(): Promise<void> {
  const { repositories } = client.deps;
  const { approval, runId } = ground.pending;
  const voter = await repositories.principals.ensure('reviewer', 'person', [{ role: 'approver' }], null);
  const { digest } = approval;
  await repositories.approvals.vote(approval.id, { decision: 'approve', digest, comment: '' }, voter);
  await repositories.approvals.tally(approval.id, runId);
}

test('an approved release is served only step by step, and only the database decides that a step is over', async () => {
  await approve();
  const { runId } = ground.pending;
  expect(await own(runId, 'raiseGeneration', 'deploy', { weight: 10 })).toMatchObject({ code: 'rollout-superseded' });
  expect(await own(runId, 'beginRollout', 'deploy')).toEqual({ answer: 'begun' });
  for (const weight of [100, 50, 0, 101, -1])
    expect(await own(runId, 'raiseGeneration', 'deploy', { weight }), `${weight} %`).toMatchObject(refused);
  expect(await own(runId, 'raiseGeneration', 'deploy', { weight: 10 })).toEqual({ answer: { generation: 2 } });
  // The canary has received no requests, no gateway has loaded it, and it must be observed for an hour.
  expect(await own(runId, 'raiseGeneration', 'deploy', { weight: 100 })).toMatchObject({ code: 'step-not-due' });
  expect(await own(runId, 'endRollout', 'deploy')).toMatchObject(refused);
  expect(await own(runId, 'concludeRun', 'deploy', promoted())).toMatchObject(refused);
  expect(await serving()).toEqual(['champion served before 90', 'canary new 10']);
  expect(await own(runId, 'abortRollout', 'deploy', { reason: 'enough' })).toEqual({ answer: { generation: 3 } });
  expect(await own(runId, 'beginRollout', 'deploy')).toMatchObject(refused);
  expect(await serving()).toEqual(['champion served before 100']);
});

test('an approval under a weaker policy than the current one lets its run serve nothing', async () => {
  await approve();
  const { repositories } = client.deps;
  const twoVotes = { votes: 2, roles: ['approver' as const], requesterMayVote: false, expires: '72h' };
  await repositories.environments.put('default', 'production', { minimumPolicy: twoVotes }, ground.by);
  try {
    expect(await own(ground.pending.runId, 'beginRollout', 'deploy')).toMatchObject({
      ...refused,
      message: expect.stringContaining('weaker policy'),
    });
  } finally {
    await repositories.environments.put('default', 'production', { minimumPolicy: null }, ground.by);
  }
});

test('a run continues in the execution that its own one continued as, and in no other under its id', async () => {
  const runId = await ground.run('monitor', { free: true });
  const workflowId = await ground.workflowIdOf(runId);
  const step = { activity: 'expirePredictions', taskQueue: 'monitor', input: { runId, scope: ground.scope } };
  expect(await client.askTwice(step, workflowId)).toMatchObject({ answer: { segments: 0 } });
  // The run's chain of executions has ended. An execution that is started by hand under its id, or reset, does not
  // belong to the chain, even if it continues as new.
  expect(await client.reset(workflowId)).toMatchObject(refused);
  expect(await client.ask(step, workflowId)).toMatchObject(refused);
  expect(await client.askTwice(step, workflowId)).toMatchObject(refused);
});

test('a build cannot commit or evaluate anything that its own steps did not make, and does not end as a candidate', async () => {
  const runId = await ground.run('build');
  const { blob, candidate } = ground;
  const { id: modelVersionId, number } = candidate.version;
  const tried: readonly [string, string, object][] = [
    ['resolveBuild', 'train', { interpreter: 'CPython 2.7', platform: 'any' }],
    ['trainModel', 'train', { plan: blob }],
    ['commitVersion', 'train', { plan: blob, trained: blob }],
    ['evaluateVersion', 'train', { plan: blob, modelVersionId, reused: true, unchanged: false }],
    ['evaluateVersion', 'train', { plan: blob, modelVersionId, reused: false, unchanged: true }],
    ['citeEvaluation', 'train', { evaluationId: candidate.evaluation.id, modelVersionId, reused: false }],
    [
      'concludeRun',
      'deploy',
      {
        conclusion: {
          state: 'succeeded',
          outcome: {
            kind: 'build',
            decision: 'candidate',
            modelVersionId,
            number,
            evaluationId: candidate.evaluation.id,
            reused: false,
            reasons: [],
          },
        },
      },
    ],
  ];
  for (const [activity, queue, more] of tried)
    expect(await own(runId, activity, queue, { ...more }), activity).toMatchObject(refused);
  expect(await client.deps.repositories.runs.get(runId)).toMatchObject({ state: 'running' });
  await client.deps.repositories.lifecycle.advance(ground.scope, planLifecycle);
  const deploys = (await client.deps.repositories.runs.unfinished(ground.scope)).filter(
    ({ request }) => request.kind === 'deploy',
  );
  expect(deploys.map(({ id }) => id)).toEqual([ground.pending.runId]);
});

test('bytes that no step of the run has returned move neither heads nor findings', async () => {
  const [data, monitor] = [await ground.run('data'), await ground.run('monitor')];
  const { blob } = ground;
  const heads = await client.deps.repositories.models.heads(ground.scope);
  expect(await own(data, 'prepareDataset', 'data', { fetched: blob })).toMatchObject(refused);
  expect(await own(data, 'profileDataset', 'data', { staged: blob })).toMatchObject(refused);
  expect(await own(data, 'commitDataset', 'data', { staged: blob, profile: blob })).toMatchObject(refused);
  expect(await own(monitor, 'reportWindow', 'monitor', { window: blob })).toMatchObject(refused);
  expect(await own(monitor, 'notifyOfReport', 'monitor', { reportId: ground.by })).toMatchObject(refused);
  expect(await client.deps.repositories.models.heads(ground.scope)).toEqual(heads);
  expect((await client.deps.repositories.monitoring.reports(ground.scope, { limit: 1 })).items).toEqual([]);
});

test('a rehearsal accepts only its own rows and its next period, and cannot vote elsewhere', async () => {
  const { id: rehearsalId, runId, scope } = ground.rehearsal;
  const isolation = { kind: 'process-group', reason: null, memory: 'polling', publicNetwork: 'host' } as const;
  const planned = { name: 'planRehearsal', attempt: 1, state: 'succeeded', isolation } as const;
  await client.deps.repositories.runs.step(runId, { ...planned, results: [{ rehearsalId }] });
  const inside = (activity: string, more: object): Promise<Came> =>
    own(runId, activity, 'rehearsal', { scope, ...more });
  expect(await inside('commandPeriod', { index: -1, command: 'ingest', rows: ground.blob })).toMatchObject(refused);
  expect(await inside('servePeriod', { index: 2 })).toMatchObject(refused);
  expect(await inside('recordPeriod', { index: 1, rehearsalId })).toMatchObject(refused);
  expect(await inside('recordPeriod', { index: 0, rehearsalId })).toMatchObject(refused);
  expect(await inside('recordPeriod', { index: 0, rehearsalId, served: {} })).toMatchObject(refused);
  expect(await inside('finishRehearsal', { rehearsalId })).toMatchObject(refused);
  expect(await inside('lookAtRun', { awaitedRunId: ground.pending.runId })).toMatchObject(refused);
  expect(await own(runId, 'settlePeriod', 'rehearsal', { index: -1, rehearsalId })).toMatchObject(refused);
  expect((await client.deps.repositories.approvals.get(ground.pending.approval.id)).votes).toEqual([]);
  expect(await client.deps.repositories.rehearsals.get(rehearsalId)).toMatchObject({ periods: [], summary: null });
});

test('a schedule gives each due trigger once, and no other', async () => {
  const { repositories } = client.deps;
  const fire = (name: string, at: Date) => {
    const firing = `${scopeLabel(ground.scope)}/schedule/${name}/fired-${at.toISOString().slice(0, 19)}Z`;
    const input = { scope: ground.scope, schedule: name, firing };
    return client.ask({ activity: 'recordScheduleTrigger', taskQueue: 'deploy', input }, firing);
  };
  const schedule = { cron: '* * * * *', timezone: 'UTC', paused: false, overlap: 'skip' } as const;
  await repositories.schedules.put(ground.scope, 'often', schedule, ground.by);
  await repositories.schedules.put(ground.scope, 'paused', { ...schedule, paused: true }, ground.by);
  await client.context.db.execute(sql`update schedules set recorded_at = now() - interval '2 days'`);
  const minute = new Date(Math.floor(Date.now() / 60_000) * 60_000);
  const moved = (milliseconds: number): Date => new Date(minute.getTime() + milliseconds);
  expect(await fire('none', minute)).toMatchObject(refused);
  expect(await fire('paused', minute)).toMatchObject(refused);
  expect(await fire('often', moved(-1_000))).toMatchObject(refused);
  expect(await fire('often', moved(30 * 60_000))).toMatchObject(refused);
  expect(await fire('often', moved(-25 * 3_600_000))).toMatchObject(refused);
  for (let times = 0; times < 3; times += 1) await fire('often', minute);
  const { rows } = await client.context.db.execute(
    sql`select body ->> 'fingerprint' as fingerprint from commands where model_id = ${ground.scope.modelId}::uuid and body ->> 'kind' = 'trigger'`,
  );
  expect(rows).toEqual([{ fingerprint: `often at ${minute.toISOString()}` }]);
});

test('the lifecycle advances no unknown scope, and does only what is due, whoever starts it', async () => {
  const { scope } = ground;
  const advance = (given: typeof scope) =>
    client.ask(
      { activity: 'advanceLifecycle', taskQueue: 'deploy', input: { scope: given, reconcile: false } },
      lifecycleWorkflowId(given),
    );
  const elsewhere = await layForeignGround(client, `other-${scope.model}`);
  expect(await advance({ ...scope, modelId: elsewhere.scope.modelId })).toMatchObject(refused);
  expect(await advance({ ...scope, environment: 'staging' })).toMatchObject({ code: 'not-found' });
  // The model serves, so its first report is due.
  expect(await advance(scope)).toMatchObject({ answer: { start: [{ kind: 'monitor' }], cancel: [] } });
  expect(await serving()).toEqual(['champion served before 100']);
  const unfinished = await client.deps.repositories.runs.unfinished(scope);
  expect(unfinished.map(({ request }) => request.kind).toSorted()).toEqual(['deploy', 'monitor']);
});
