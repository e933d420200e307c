import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Activities } from '../../activities/activity-types.ts';
import type { RunKind } from '../../contracts/runs/run.ts';
import type { ActivityQueue } from '../../contracts/runs/workflows.ts';
import type { Came } from '../support/foreign-client.ts';
import { startForeignClient, type ForeignClient } from '../support/foreign-client.ts';
import { layForeignGround, type ForeignGround } from '../support/foreign-ground.ts';

// Whoever reaches Temporal, and has no key, schedules each activity of the platform from a workflow of their own.

let client: ForeignClient;
let ground: ForeignGround;
const runs = new Map<RunKind, string>();

beforeAll(async () => {
  client = await startForeignClient();
  ground = await layForeignGround(client);
  for (const kind of ['data', 'code', 'build', 'rollback', 'monitor'] as const) runs.set(kind, await ground.run(kind));
  runs.set('deploy', ground.pending.runId);
  runs.set('rehearsal', ground.rehearsal.runId);
});
afterAll(() => client?.stop());

interface Attack {
  readonly taskQueue: ActivityQueue;
  /** The run that is taken for a ride; absent: an activity of none. */
  readonly of?: RunKind;
  readonly with?: (ground: ForeignGround) => Readonly<Record<string, unknown>>;
}

/** What would be gained from each, if it were done. A new activity has to be added, or the types do not hold. */
const attacks: { readonly [Name in keyof Activities]: Attack } = {
  advanceLifecycle: { taskQueue: 'deploy', with: ({ scope }) => ({ scope, reconcile: true }) },
  recordScheduleTrigger: {
    taskQueue: 'deploy',
    with: ({ scope }) => ({ scope, schedule: 'nightly', firing: 'x-2026-01-01T00:00:00Z' }),
  },
  beginRun: { taskQueue: 'deploy', of: 'data' },
  concludeRun: {
    taskQueue: 'deploy',
    of: 'build',
    with: () => ({ conclusion: { state: 'failed', failure: { code: 'internal', message: 'no', fields: {} } } }),
  },
  queueOfBuild: { taskQueue: 'deploy', of: 'build' },
  fetchSource: { taskQueue: 'data', of: 'data' },
  prepareDataset: { taskQueue: 'data', of: 'data', with: ({ blob }) => ({ fetched: blob }) },
  profileDataset: { taskQueue: 'data', of: 'data', with: ({ blob }) => ({ staged: blob }) },
  commitDataset: { taskQueue: 'data', of: 'data', with: ({ blob }) => ({ staged: blob, profile: blob }) },
  commitCode: { taskQueue: 'data', of: 'code' },
  reportCommitStatus: { taskQueue: 'data', of: 'build' },
  materialiseEnvironment: { taskQueue: 'train', of: 'build' },
  resolveBuild: { taskQueue: 'train', of: 'build', with: () => ({ interpreter: 'CPython 2.7', platform: 'any' }) },
  trainModel: { taskQueue: 'train', of: 'build', with: ({ blob }) => ({ plan: blob }) },
  commitVersion: { taskQueue: 'train', of: 'build', with: ({ blob }) => ({ plan: blob, trained: blob }) },
  evaluateVersion: {
    taskQueue: 'train',
    of: 'build',
    with: ({ blob, candidate }) => ({
      plan: blob,
      modelVersionId: candidate.version.id,
      reused: true,
      unchanged: false,
    }),
  },
  citeEvaluation: {
    taskQueue: 'train',
    of: 'build',
    with: ({ candidate: { version, evaluation } }) => ({
      evaluationId: evaluation.id,
      modelVersionId: version.id,
      reused: true,
    }),
  },
  queueOfConfirmation: { taskQueue: 'deploy', of: 'deploy' },
  confirmEvaluation: { taskQueue: 'train', of: 'deploy' },
  requestApproval: { taskQueue: 'deploy', of: 'deploy' },
  tallyApproval: { taskQueue: 'deploy', of: 'deploy', with: ({ pending }) => ({ approvalId: pending.approval.id }) },
  notifyOfApproval: {
    taskQueue: 'deploy',
    of: 'deploy',
    with: ({ pending }) => ({ approvalId: pending.approval.id, about: 'reminded' }),
  },
  beginRollout: {
    taskQueue: 'deploy',
    of: 'deploy',
    with: ({ serving }) => ({ facts: { championDigest: serving.digest, automated: false } }),
  },
  raiseGeneration: {
    taskQueue: 'deploy',
    of: 'deploy',
    with: ({ pending }) => ({ releaseId: pending.release.id, weight: 100, reason: 'because' }),
  },
  awaitGateways: { taskQueue: 'deploy', of: 'deploy', with: () => ({ generation: 1 }) },
  replayToCanary: { taskQueue: 'deploy', of: 'deploy', with: () => ({ generation: 1, minRequests: 1_000_000 }) },
  judgeCanary: {
    taskQueue: 'deploy',
    of: 'deploy',
    with: ({ pending }) => ({ generation: 1, releaseDigest: pending.release.digest, withMetric: false }),
  },
  judgeShadow: {
    taskQueue: 'deploy',
    of: 'deploy',
    with: ({ pending }) => ({ generation: 1, releaseDigest: pending.release.digest }),
  },
  endRollout: { taskQueue: 'deploy', of: 'deploy' },
  abortRollout: { taskQueue: 'deploy', of: 'deploy', with: () => ({ reason: 'because' }) },
  rollBack: { taskQueue: 'deploy', of: 'rollback' },
  collectWindow: { taskQueue: 'monitor', of: 'monitor' },
  reportWindow: { taskQueue: 'monitor', of: 'monitor', with: ({ blob }) => ({ window: blob }) },
  notifyOfReport: { taskQueue: 'monitor', of: 'monitor', with: ({ by }) => ({ reportId: by }) },
  expirePredictions: { taskQueue: 'monitor', of: 'monitor' },
  expireRejectedVersions: { taskQueue: 'monitor', of: 'build' },
  beginCollection: { taskQueue: 'monitor', with: () => ({ collectionId: null }) },
  markReachable: { taskQueue: 'monitor', with: ({ by }) => ({ collectionId: by }) },
  sweepGarbage: { taskQueue: 'monitor', with: ({ by }) => ({ collectionId: by }) },
  signHeads: { taskQueue: 'monitor', with: () => ({ cursor: null }) },
  endCollection: { taskQueue: 'monitor', with: ({ by }) => ({ collectionId: by, failure: null }) },
  planRehearsal: { taskQueue: 'rehearsal', of: 'rehearsal' },
  servePeriod: { taskQueue: 'rehearsal', of: 'rehearsal', with: () => ({ index: 0 }) },
  commandPeriod: {
    taskQueue: 'rehearsal',
    of: 'rehearsal',
    with: ({ blob }) => ({ index: -1, command: 'ingest', rows: blob }),
  },
  lookAtRun: { taskQueue: 'rehearsal', of: 'rehearsal', with: ({ pending }) => ({ awaitedRunId: pending.runId }) },
  settlePeriod: {
    taskQueue: 'rehearsal',
    of: 'rehearsal',
    with: ({ rehearsal }) => ({ index: -1, rehearsalId: rehearsal.id }),
  },
  recordPeriod: {
    taskQueue: 'rehearsal',
    of: 'rehearsal',
    with: ({ rehearsal }) => ({ index: 0, rehearsalId: rehearsal.id }),
  },
  finishRehearsal: {
    taskQueue: 'rehearsal',
    of: 'rehearsal',
    with: ({ rehearsal }) => ({ rehearsalId: rehearsal.id }),
  },
};
const named = Object.entries<Attack>(attacks);

function inputOf(activity: string, { of, with: more }: Attack): unknown {
  const given = more?.(ground) ?? {};
  if (of === undefined) return given;
  const run = { runId: runs.get(of), scope: of === 'rehearsal' ? ground.rehearsal.scope : ground.scope };
  return activity === 'reportCommitStatus' ? { about: run } : { ...run, ...given };
}

const ask = (activity: string, attack: Attack, workflowId?: string): Promise<Came> =>
  client.ask({ activity, taskQueue: attack.taskQueue, input: inputOf(activity, attack) }, workflowId);

test('every activity that a worker has is attacked here', () => {
  expect(Object.keys(attacks).toSorted()).toEqual(client.activities.toSorted());
});

test('a workflow of nobody’s is refused every step, and nothing at all has changed', async () => {
  const before = await client.everything();
  const came = await Promise.all(named.map(async ([name, attack]) => [name, await ask(name, attack)] as const));
  for (const [name, answer] of came) expect(answer, name).toMatchObject({ code: 'unproven' });
  expect(await client.everything()).toEqual(before);
});

test('a workflow under the id of a run’s own is refused every step of it, and nothing at all has changed', async () => {
  const before = await client.everything();
  for (const [name, attack] of named) {
    const runId = attack.of === undefined ? undefined : runs.get(attack.of);
    if (runId === undefined) continue;
    const answer = await ask(name, attack, await ground.workflowIdOf(runId));
    expect(answer, name).toMatchObject({ code: 'unproven', message: expect.stringContaining('execution') });
  }
  expect(await client.everything()).toEqual(before);
});

test('the execution of one run is refused the steps of every other, and of other scopes', async () => {
  const free = await ground.run('monitor', { free: true });
  const workflowId = await ground.workflowIdOf(free);
  const other = { ...ground.scope, environment: ground.rehearsal.scope.environment };
  const before = await client.everything();
  for (const [activity, taskQueue, input] of [
    ['expirePredictions', 'monitor', { runId: free, scope: other }],
    ['expirePredictions', 'monitor', { runId: free, scope: { ...ground.scope, project: 'another' } }],
    ['expirePredictions', 'monitor', { runId: free, scope: { ...ground.scope, modelId: ground.by } }],
    ['rollBack', 'deploy', { runId: free, scope: ground.scope }],
    ['commitCode', 'data', { runId: free, scope: ground.scope }],
    ['rollBack', 'deploy', { runId: runs.get('rollback'), scope: ground.scope }],
    ['concludeRun', 'deploy', { runId: 'no id', scope: ground.scope, conclusion: { state: 'cancelled', reason: '' } }],
    ['concludeRun', 'deploy', null],
  ] as const)
    expect(await client.ask({ activity, taskQueue, input }, workflowId), activity).toMatchObject({ code: 'unproven' });
  expect(await client.everything()).toEqual(before);
});
