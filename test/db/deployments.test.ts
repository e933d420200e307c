import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeploymentRepository } from '../../ports/repositories/deployments.ts';
import { seedVersion } from '../support/seed-candidate.ts';
import {
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

const failure = { code: 'process-died', message: 'terminated', fields: {} };

test('a release is one per content, and the same run is given the same one', async () => {
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

test('a rejected evaluation makes no release, and neither does one of another model', async () => {
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

test('what serves already is refused', async () => {
  const scope = await freshScope(ground);
  const release = await deploy(ground, scope, 1);
  await expect(beginDeploy(ground, scope, release.evaluationId)).rejects.toMatchObject({ code: 'conflict' });
});

test('a first release serves all requests at once, whatever weight was asked', async () => {
  const scope = await freshScope(ground);
  const { runId, release, generation } = await rollOut(ground, scope, 1, [10]);
  expect(generation).toMatchObject({ generation: 1, change: 'first' });
  expect(await serving(ground, scope)).toEqual(['champion 1 100']);
  expect(await raise(ground, scope, { runId, releaseId: release.id, weight: 50 })).toEqual(generation);
});

test('a canary takes its weight from the champion until it is the champion', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const { runId, release, generation } = await rollOut(ground, scope, 2, [10]);
  expect(generation).toMatchObject({ generation: 2, change: 'canary', runId });
  expect(await serving(ground, scope)).toEqual(['champion 1 90', 'canary 2 10']);
  await raise(ground, scope, { runId, releaseId: release.id, weight: 50 });
  expect(await serving(ground, scope)).toEqual(['champion 1 50', 'canary 2 50']);
  expect(await raise(ground, scope, { runId, releaseId: release.id, weight: 100 })).toMatchObject({
    generation: 4,
    change: 'promote',
  });
  expect(await serving(ground, scope)).toEqual(['champion 2 100']);
  expect(await deployments.champion(scope)).toMatchObject({ release, slot: { weight: 100, modelVersionNumber: 2 } });
});

test('a weight that is raised twice is one generation, and a late attempt at a lower one takes nothing back', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const { runId, release, generation } = await rollOut(ground, scope, 2, [10]);
  const request = { runId, releaseId: release.id };
  const twenty = await Promise.all(Array.from({ length: 20 }, () => raise(ground, scope, { ...request, weight: 50 })));
  expect(new Set(twenty.map((raised) => raised.generation))).toEqual(new Set([3]));
  expect(await raise(ground, scope, { ...request, weight: 10 })).toEqual(generation);
  expect(await serving(ground, scope)).toEqual(['champion 1 50', 'canary 2 50']);
  expect(await entriesOf(ground, scope, 'generation.raised')).toHaveLength(3);
});

test('only one rollout goes on at a time; the run that began it may begin it again', async () => {
  const scope = await freshScope(ground);
  const { evaluation } = await seedCandidate(ground, scope, 1);
  const runs = await Promise.all(Array.from({ length: 6 }, () => beginDeploy(ground, scope, evaluation.id)));
  const begin = (runId: string) => deployments.beginRollout(scope, { runId, expectedChampion: null, automated: false });
  const answers = await Promise.all(runs.map(({ runId }) => begin(runId)));
  expect(answers.toSorted()).toEqual(['begun', 'taken', 'taken', 'taken', 'taken', 'taken']);
  const winner = runs[answers.indexOf('begun')]!;
  expect(await begin(winner.runId)).toBe('begun');
  const loser = runs[answers.indexOf('taken')]!;
  await expect(
    raise(ground, scope, { runId: loser.runId, releaseId: loser.release.id, weight: 100 }),
  ).rejects.toMatchObject({ code: 'rollout-superseded' });
  await deployments.endRollout(scope, loser.runId);
  expect(await begin(loser.runId)).toBe('taken');
  await deployments.endRollout(scope, winner.runId);
  expect(await begin(loser.runId)).toBe('begun');
  expect(await deployments.current(scope)).toBeUndefined();
});

test('a dead run loses its rollout to the next, and raises nothing more', async () => {
  const scope = await freshScope(ground);
  const first = await deploy(ground, scope, 1);
  const dead = await rollOut(ground, scope, 2, [10]);
  const { evaluation } = await seedCandidate(ground, scope, 3);
  const next = await beginDeploy(ground, scope, evaluation.id);
  const request = { runId: next.runId, expectedChampion: first.digest, automated: false };
  expect(await deployments.beginRollout(scope, request)).toBe('taken');
  await ground.repositories.runs.fail(dead.runId, failure);
  expect(await deployments.beginRollout(scope, request)).toBe('begun');
  await expect(
    raise(ground, scope, { runId: dead.runId, releaseId: dead.release.id, weight: 50 }),
  ).rejects.toMatchObject({ code: 'rollout-superseded', fields: { runId: dead.runId } });
  await raise(ground, scope, { runId: next.runId, releaseId: next.release.id, weight: 25 });
  expect(await serving(ground, scope)).toEqual(['champion 1 75', 'canary 3 25']);
});

test('what was approved to replace one release does not replace another', async () => {
  const scope = await freshScope(ground);
  const first = await deploy(ground, scope, 1);
  const { evaluation } = await seedCandidate(ground, scope, 2);
  const { runId } = await beginDeploy(ground, scope, evaluation.id);
  await deploy(ground, scope, 3);
  const begin = (expectedChampion: string | null) =>
    deployments.beginRollout(scope, { runId, expectedChampion, automated: false });
  expect(await begin(first.digest)).toBe('superseded');
  expect(await begin(null)).toBe('superseded');
});

test('an abort brings back what served before, however far the rollout was', async () => {
  for (const weights of [[10], [10, 50], [10, 50, 100], [100]]) {
    const scope = await freshScope(ground);
    await deploy(ground, scope, 1);
    const { runId } = await rollOut(ground, scope, 2, weights);
    const request = { runId, reason: 'gateway 7 cannot load it', by: ground.by };
    const aborted = await deployments.abort(scope, request);
    expect(aborted).toMatchObject({ change: 'abort', generation: 2 + weights.length, reason: request.reason });
    expect(await serving(ground, scope)).toEqual(['champion 1 100']);
    expect(await deployments.abort(scope, request)).toEqual(aborted);
    expect((await ground.repositories.models.heads(scope)).rolloutRunId).toBeNull();
  }
});

test('an abort before anything was raised gives the rollout back and changes nothing', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const { runId } = await rollOut(ground, scope, 2, []);
  expect(await deployments.abort(scope, { runId, reason: 'cancelled', by: ground.by })).toBeUndefined();
  expect((await deployments.history(scope, 10)).map((row) => row.generation)).toEqual([1]);
  await rollOut(ground, scope, 3, [10]);
  expect(await deployments.abort(scope, { runId, reason: 'late', by: ground.by })).toBeUndefined();
  expect(await serving(ground, scope)).toEqual(['champion 1 90', 'canary 3 10']);
});

test('a first release that is taken back leaves nothing serving, and the next is a first one', async () => {
  const scope = await freshScope(ground);
  const { runId } = await rollOut(ground, scope, 1, [100]);
  expect(await deployments.abort(scope, { runId, reason: 'no gateway', by: ground.by })).toMatchObject({
    generation: 2,
    change: 'abort',
    slots: [],
  });
  expect(await deployments.champion(scope)).toBeUndefined();
  const { entries: table } = await deployments.servingTable();
  expect(table.filter((entry) => entry.scope.modelId === scope.modelId)).toEqual([]);
  expect((await rollOut(ground, scope, 2, [10])).generation).toMatchObject({ generation: 3, change: 'first' });
});

test('every decision is in the ledger, whose chain holds', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const { runId } = await rollOut(ground, scope, 2, [10, 50]);
  await deployments.abort(scope, { runId, reason: 'errors', by: ground.by });
  const raised = await entriesOf(ground, scope, 'generation.raised');
  expect(raised.map(({ subject, reason }) => [subject.generation, subject.change, reason])).toEqual([
    [1, 'first', 'to 100 %'],
    [2, 'canary', 'to 10 %'],
    [3, 'canary', 'to 50 %'],
    [4, 'abort', 'errors'],
  ]);
  expect(raised.every((entry) => entry.principalName === 'operator')).toBe(true);
  expect((await ground.repositories.ledger.verify(scope.modelId)).problem).toBeNull();
});
