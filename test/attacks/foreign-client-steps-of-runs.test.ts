import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DeclaredStep, declaredSteps, type StepName } from '../../contracts/pipelines/steps.ts';
import { RunKind } from '../../contracts/runs/run.ts';
import type { Came } from '../support/foreign-client.ts';
import { startForeignClient, type ForeignClient } from '../support/foreign-client.ts';
import { layForeignGround, type ForeignGround } from '../support/foreign-ground.ts';

// An attacker who reaches Temporal, but has no API key, schedules each activity of the platform from a workflow of
// their own.

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

/** Returns the fields that a step needs besides the run of its kind. */
type Given = (ground: ForeignGround) => Readonly<Record<string, unknown>>;

/** The inputs with which an attacker would gain most. A step that is missing here receives only the run. */
const given: { readonly [Name in StepName]?: Given } = {
  advanceLifecycle: ({ scope }) => ({ scope, reconcile: true }),
  recordScheduleTrigger: ({ scope }) => ({ scope, schedule: 'nightly', firing: 'x-2026-01-01T00:00:00Z' }),
  concludeRun: () => ({ conclusion: { state: 'failed', failure: { code: 'internal', message: 'no', fields: {} } } }),
  prepareDataset: ({ blob }) => ({ fetched: blob }),
  profileDataset: ({ blob }) => ({ staged: blob }),
  commitDataset: ({ blob }) => ({ staged: blob, profile: blob }),
  resolveBuild: () => ({ interpreter: 'CPython 2.7', platform: 'any' }),
  trainModel: ({ blob }) => ({ plan: blob }),
  commitVersion: ({ blob }) => ({ plan: blob, trained: blob }),
  evaluateVersion: ({ blob, candidate }) => ({
    plan: blob,
    modelVersionId: candidate.version.id,
    reused: true,
    unchanged: false,
  }),
  citeEvaluation: ({ candidate: { version, evaluation } }) => ({
    evaluationId: evaluation.id,
    modelVersionId: version.id,
    reused: true,
  }),
  tallyApproval: ({ pending }) => ({ approvalId: pending.approval.id }),
  notifyOfApproval: ({ pending }) => ({ approvalId: pending.approval.id, about: 'reminded' }),
  beginRollout: ({ serving }) => ({ facts: { championDigest: serving.digest, automated: false } }),
  raiseGeneration: ({ pending }) => ({ releaseId: pending.release.id, weight: 100, reason: 'because' }),
  awaitGateways: () => ({ generation: 1 }),
  replayToCanary: () => ({ generation: 1, minRequests: 1_000_000 }),
  judgeCanary: ({ pending }) => ({ generation: 1, releaseDigest: pending.release.digest, withMetric: false }),
  judgeShadow: ({ pending }) => ({ generation: 1, releaseDigest: pending.release.digest }),
  abortRollout: () => ({ reason: 'because' }),
  reportWindow: ({ blob }) => ({ window: blob }),
  notifyOfReport: ({ by }) => ({ reportId: by }),
  beginCollection: () => ({ collectionId: null }),
  markReachable: ({ by }) => ({ collectionId: by }),
  sweepGarbage: ({ by }) => ({ collectionId: by }),
  signHeads: () => ({ cursor: null }),
  endCollection: ({ by }) => ({ collectionId: by, failure: null }),
  servePeriod: () => ({ index: 0 }),
  commandPeriod: ({ blob }) => ({ index: -1, command: 'ingest', rows: blob }),
  lookAtRun: ({ pending }) => ({ awaitedRunId: pending.runId }),
  settlePeriod: ({ rehearsal }) => ({ index: -1, rehearsalId: rehearsal.id }),
  recordPeriod: ({ rehearsal }) => ({ index: 0, rehearsalId: rehearsal.id }),
  finishRehearsal: ({ rehearsal }) => ({ rehearsalId: rehearsal.id }),
};
const named = [...declaredSteps.values()];
const givenTo: ReadonlyMap<string, Given> = new Map(Object.entries(given));

/** Returns the kind of run that the attack uses for a step, or undefined if the step belongs to no run. */
const kindOf = ({ of: [kind] }: DeclaredStep): RunKind | undefined => RunKind.optional().parse(kind);

function inputOf(declared: DeclaredStep): unknown {
  const more = givenTo.get(declared.name)?.(ground) ?? {};
  const kind = kindOf(declared);
  if (kind === undefined) return more;
  const run = { runId: runs.get(kind), scope: kind === 'rehearsal' ? ground.rehearsal.scope : ground.scope };
  return declared.name === 'reportCommitStatus' ? { about: run } : { ...run, ...more };
}

const ask = (declared: DeclaredStep, workflowId?: string): Promise<Came> =>
  client.ask({ activity: declared.name, taskQueue: declared.queue, input: inputOf(declared) }, workflowId);

test('every activity of a worker is attacked here, with an input for each activity that belongs to no run', () => {
  expect(named.map(({ name }) => name).toSorted()).toEqual(client.activities.toSorted());
  const bare = named.filter((declared) => kindOf(declared) === undefined && !givenTo.has(declared.name));
  expect(bare.map(({ name }) => name)).toEqual([]);
});

test('a workflow that belongs to no run is refused every step, and nothing changes', async () => {
  const before = await client.everything();
  const came = await Promise.all(named.map(async (declared) => [declared.name, await ask(declared)] as const));
  for (const [name, answer] of came) expect(answer, name).toMatchObject({ code: 'unproven' });
  expect(await client.everything()).toEqual(before);
});

test('a workflow under the workflow id of a run is refused every step of the run, and nothing changes', async () => {
  const before = await client.everything();
  for (const declared of named) {
    const kind = kindOf(declared);
    const runId = kind === undefined ? undefined : runs.get(kind);
    if (runId === undefined) continue;
    const answer = await ask(declared, await ground.workflowIdOf(runId));
    expect(answer, declared.name).toMatchObject({ code: 'unproven', message: expect.stringContaining('execution') });
  }
  expect(await client.everything()).toEqual(before);
});

test('the execution of one run is refused the steps of all other runs and scopes', async () => {
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
