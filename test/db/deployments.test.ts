import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Generation } from '../../contracts/serving/deployment.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { DeploymentRepository } from '../../ports/repositories/deployment-repository.ts';
import { seedVersion } from '../support/seed-candidate.ts';
import {
  applySteps,
  approve,
  beginDeploy,
  deploy,
  entriesOf,
  freshScope,
  layDeploymentGround,
  raise,
  rollOut,
  seedCandidate,
  serving,
  type DeploymentGround,
} from './deployment-ground.ts';

let ground: DeploymentGround;
let deployments: DeploymentRepository;

beforeAll(async () => {
  ground = await layDeploymentGround();
  ({ deployments } = ground.repositories);
});

afterAll(() => ground?.end());

/** Begins a deploy run that is approved and holds the rollout, but has raised nothing yet. */
async function beginApproved(scope: Scope, seed: number) {
  const { evaluation } = await seedCandidate(ground, scope, seed);
  const begun = await beginDeploy(ground, scope, evaluation.id);
  await approve(ground, scope, begun);
  expect(await deployments.beginRollout(scope, begun.runId)).toBe('begun');
  return begun;
}

/** Does the same as `rollOut`, but raises only the first `raised` steps. */
async function rollOutOf(scope: Scope, seed: number, weights: readonly number[], raised: number) {
  await applySteps(ground, scope, weights);
  const begun = await beginApproved(scope, seed);
  let generation: Generation | undefined;
  for (const weight of weights.slice(0, raised))
    generation = await raise(ground, scope, { runId: begun.runId, weight });
  return { ...begun, generation };
}

const failure = { code: 'process-died', message: 'terminated', fields: {} };

test('equal content gives the same release, and a run always gets the same one', async () => {
  const scope = await freshScope(ground);
  const { evaluation } = await seedCandidate(ground, scope, 1);
  const first = await beginDeploy(ground, scope, evaluation.id);
  const { runId, release } = await beginDeploy(ground, scope, evaluation.id);
  const again = await Promise.all(
    Array.from({ length: 5 }, () => deployments.makeRelease(scope, evaluation.id, { runId, by: ground.by })),
  );
  expect(release).toEqual(first.release);
  expect(again).toEqual(Array.from({ length: 5 }, () => release));
  expect(await deployments.releaseByDigest(scope.modelId, release.digest)).toEqual(release);
  const made = await entriesOf(ground, scope, 'release.made');
  expect(made.map((entry) => entry.subject.runId)).toEqual([first.runId, runId]);
  const other = await seedCandidate(ground, scope, 2);
  expect((await beginDeploy(ground, scope, other.evaluation.id)).release.number).toBe(2);
});

test('a rejected evaluation makes no release, and neither does an evaluation of another model', async () => {
  const scope = await freshScope(ground);
  const { evaluation } = await seedVersion(ground.repositories, scope, ground.by, { seed: 1, verdict: 'rejected' });
  await expect(beginDeploy(ground, scope, evaluation.id)).rejects.toMatchObject({
    code: 'not-a-candidate',
    message: expect.stringContaining('rmse 200 is above 150'),
  });
  const elsewhere = await freshScope(ground);
  await expect(beginDeploy(ground, elsewhere, evaluation.id)).rejects.toMatchObject({ code: 'not-found' });
  expect(await entriesOf(ground, scope, 'release.made')).toEqual([]);
});

test('a release that already serves is refused', async () => {
  const scope = await freshScope(ground);
  const release = await deploy(ground, scope, 1);
  await expect(beginDeploy(ground, scope, release.evaluationId)).rejects.toMatchObject({ code: 'conflict' });
});

test('a first release serves all requests at once, whatever steps its strategy has', async () => {
  const scope = await freshScope(ground);
  await applySteps(ground, scope, [10, 50]);
  const { runId } = await beginApproved(scope, 1);
  await expect(raise(ground, scope, { runId, weight: 10 })).rejects.toMatchObject({ code: 'unproven' });
  const generation = await raise(ground, scope, { runId, weight: 100 });
  expect(generation).toMatchObject({ generation: 1, change: 'first' });
  expect(await serving(ground, scope)).toEqual(['champion 1 100']);
  expect(await raise(ground, scope, { runId, weight: 50 })).toEqual(generation);
});

test('a canary takes its weight from the champion until it becomes the champion', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const { runId, release, generation } = await rollOutOf(scope, 2, [10, 50], 1);
  expect(generation).toMatchObject({ generation: 2, change: 'canary', runId });
  expect(await serving(ground, scope)).toEqual(['champion 1 90', 'canary 2 10']);
  await raise(ground, scope, { runId, weight: 50 });
  expect(await serving(ground, scope)).toEqual(['champion 1 50', 'canary 2 50']);
  expect(await raise(ground, scope, { runId, weight: 100 })).toMatchObject({
    generation: 4,
    change: 'promote',
  });
  expect(await serving(ground, scope)).toEqual(['champion 2 100']);
  expect(await deployments.champion(scope)).toMatchObject({ release, slot: { weight: 100, modelVersionNumber: 2 } });
});

test('raising a weight twice makes one generation, and a late attempt at a lower weight changes nothing', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const { runId, generation } = await rollOutOf(scope, 2, [10, 50], 1);
  const request = { runId };
  const twenty = await Promise.all(Array.from({ length: 20 }, () => raise(ground, scope, { ...request, weight: 50 })));
  expect(new Set(twenty.map((raised) => raised.generation))).toEqual(new Set([3]));
  expect(await raise(ground, scope, { ...request, weight: 10 })).toEqual(generation);
  expect(await serving(ground, scope)).toEqual(['champion 1 50', 'canary 2 50']);
  expect(await entriesOf(ground, scope, 'generation.raised')).toHaveLength(3);
});

test('only one rollout runs at a time, and the run that began it may begin it again', async () => {
  const scope = await freshScope(ground);
  await applySteps(ground, scope, [100]);
  const { evaluation } = await seedCandidate(ground, scope, 1);
  const runs = await Promise.all(Array.from({ length: 6 }, () => beginDeploy(ground, scope, evaluation.id)));
  for (const run of runs) await approve(ground, scope, run);
  const begin = (runId: string) => deployments.beginRollout(scope, runId);
  const answers = await Promise.all(runs.map(({ runId }) => begin(runId)));
  expect(answers.toSorted()).toEqual(['begun', 'taken', 'taken', 'taken', 'taken', 'taken']);
  const winner = runs[answers.indexOf('begun')]!;
  expect(await begin(winner.runId)).toBe('begun');
  const loser = runs[answers.indexOf('taken')]!;
  await expect(raise(ground, scope, { runId: loser.runId, weight: 100 })).rejects.toMatchObject({
    code: 'rollout-superseded',
  });
  await deployments.endRollout(scope, loser.runId);
  expect(await begin(loser.runId)).toBe('taken');
  await deployments.endRollout(scope, winner.runId);
  expect(await begin(loser.runId)).toBe('begun');
  expect(await deployments.current(scope)).toBeUndefined();
});

test('a dead run loses its rollout to the next run, and raises nothing more', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const dead = await rollOut(ground, scope, 2, [25]);
  const { evaluation } = await seedCandidate(ground, scope, 3);
  const next = await beginDeploy(ground, scope, evaluation.id);
  await approve(ground, scope, next);
  expect(await deployments.beginRollout(scope, next.runId)).toBe('taken');
  await ground.repositories.runs.fail(dead.runId, failure);
  expect(await deployments.beginRollout(scope, next.runId)).toBe('begun');
  await expect(raise(ground, scope, { runId: dead.runId, weight: 50 })).rejects.toMatchObject({
    code: 'conflict',
    fields: { runId: dead.runId },
  });
  await raise(ground, scope, { runId: next.runId, weight: 25 });
  expect(await serving(ground, scope)).toEqual(['champion 1 75', 'canary 3 25']);
});

test('an approval to replace one release does not replace another, and the run must request approval again', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const { evaluation } = await seedCandidate(ground, scope, 2);
  const begun = await beginDeploy(ground, scope, evaluation.id);
  await approve(ground, scope, begun);
  await deploy(ground, scope, 3);
  expect(await deployments.beginRollout(scope, begun.runId)).toBe('champion-changed');
});

test('an abort restores what served before, at every step of the rollout', async () => {
  for (const weights of [[10], [10, 50], [10, 50, 100], [100]]) {
    const scope = await freshScope(ground);
    await deploy(ground, scope, 1);
    const { runId } = await rollOut(ground, scope, 2, weights);
    const request = { runId, reason: 'gateway 7 cannot load it' };
    const aborted = await deployments.abort(scope, request);
    expect(aborted).toMatchObject({ change: 'abort', generation: 2 + weights.length, reason: request.reason });
    expect(await serving(ground, scope)).toEqual(['champion 1 100']);
    expect(await deployments.abort(scope, request)).toEqual(aborted);
    expect((await ground.repositories.models.heads(scope)).rolloutRunId).toBeNull();
  }
});

test('an abort before the first step ends the rollout and changes nothing', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const { runId } = await rollOut(ground, scope, 2, []);
  expect(await deployments.abort(scope, { runId, reason: 'cancelled' })).toBeUndefined();
  expect((await deployments.history(scope, 10)).map((row) => row.generation)).toEqual([1]);
  await rollOut(ground, scope, 3, [10]);
  expect(await deployments.abort(scope, { runId, reason: 'late' })).toBeUndefined();
  expect(await serving(ground, scope)).toEqual(['champion 1 90', 'canary 3 10']);
});

test('after the undo of a first release nothing serves, and the next release is again a first one', async () => {
  const scope = await freshScope(ground);
  const { runId } = await rollOut(ground, scope, 1, [100]);
  expect(await deployments.abort(scope, { runId, reason: 'no gateway' })).toMatchObject({
    generation: 2,
    change: 'abort',
    slots: [],
  });
  expect(await deployments.champion(scope)).toBeUndefined();
  const { entries: table } = await deployments.servingTable();
  expect(table.filter((entry) => entry.scope.modelId === scope.modelId)).toEqual([]);
  expect((await rollOut(ground, scope, 2, [100])).generation).toMatchObject({ generation: 3, change: 'first' });
});

test('a deployment can end only with the decision that its actions prove, which is recorded with reasons', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const { runId, release } = await rollOut(ground, scope, 2, [10]);
  const ends = (decision: 'promoted' | 'aborted' | 'superseded' | 'expired', generation: number | null) =>
    ground.repositories.runs.succeed(runId, {
      kind: 'deploy',
      decision,
      releaseId: release.id,
      releaseDigest: release.digest,
      generation,
      reasons: ['error rate 0.5'],
    });
  await expect(ends('aborted', null)).rejects.toMatchObject({ code: 'unproven' });
  await deployments.abort(scope, { runId, reason: 'error rate 0.5' });
  await expect(ends('promoted', 3)).rejects.toMatchObject({ code: 'unproven' });
  await expect(ends('expired', null)).rejects.toMatchObject({ code: 'unproven' });
  await expect(ends('aborted', 2)).rejects.toMatchObject({ code: 'unproven' });
  for (let times = 0; times < 2; times += 1) await ends('aborted', 3);
  const ended = await entriesOf(ground, scope, 'deployment.ended');
  expect(ended.slice(1)).toMatchObject([{ reason: 'error rate 0.5', subject: { runId, decision: 'aborted' } }]);
});

test('the canary of an archived model has lost its slot, and its run raises nothing', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const { runId } = await rollOut(ground, scope, 2, [10]);
  await ground.repositories.models.archive(scope.modelId, { reason: 'the station was closed', by: ground.by });
  await expect(raise(ground, scope, { runId, weight: 100 })).rejects.toMatchObject({ code: 'rollout-superseded' });
  expect(await deployments.abort(scope, { runId, reason: 'cancelled' })).toBeUndefined();
  expect(await serving(ground, scope)).toEqual([]);
});

test('every decision is in the ledger, whose chain is valid', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const { runId } = await rollOut(ground, scope, 2, [10, 50]);
  await deployments.abort(scope, { runId, reason: 'errors' });
  const raised = await entriesOf(ground, scope, 'generation.raised');
  expect(raised.map(({ subject, reason }) => [subject.generation, subject.change, reason])).toEqual([
    [1, 'first', 'promoted'],
    [2, 'canary', 'canary at 10 %'],
    [3, 'canary', 'canary at 50 %'],
    [4, 'abort', 'errors'],
  ]);
  expect(raised.every((entry) => entry.principalName === 'operator')).toBe(true);
  expect((await ground.repositories.ledger.verify(scope.modelId)).problem).toBeNull();
});
