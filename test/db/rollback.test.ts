import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { planLifecycle } from '../../activities/lifecycle/plan-lifecycle.ts';
import type { DeploymentRepository } from '../../ports/repositories/deployment-repository.ts';
import { beginRun } from '../support/seed-candidate.ts';
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

async function beginRollback(scope: Scope): Promise<Id> {
  return beginRun(ground.repositories, scope, { kind: 'rollback', schemaVersion: 1, reason: 'it is wrong' }, ground.by);
}

async function rollBack(scope: Scope, toReleaseId?: Id, runId?: Id) {
  return deployments.rollback(scope, {
    runId: runId ?? (await beginRollback(scope)),
    reason: 'it is wrong',
    by: ground.by,
    ...(toReleaseId === undefined ? {} : { toReleaseId }),
  });
}

async function holdOf(scope: Scope): Promise<string | null> {
  return (await ground.repositories.models.heads(scope)).holdReason;
}

test('the previous release serves again, the abandoned one is withdrawn, and promotion is on hold', async () => {
  const scope = await freshScope(ground);
  const first = await deploy(ground, scope, 1);
  const second = await deploy(ground, scope, 2);
  const done = await rollBack(scope);
  expect(done).toMatchObject({ from: second, to: first, changed: true, generation: { change: 'rollback' } });
  expect(await serving(ground, scope)).toEqual(['champion 1 100']);
  expect(await holdOf(scope)).toBe('rolled back: it is wrong');
  const [ordered] = await entriesOf(ground, scope, 'rollback.ordered');
  expect(ordered).toMatchObject({ subject: { from: second.digest, to: first.digest, generation: 3, changed: true } });
  expect(await entriesOf(ground, scope, 'promotion.held')).toHaveLength(1);
  expect((await ground.repositories.ledger.verify(scope.modelId)).problem).toBeNull();
});

test('repeated rollbacks go further back and never to a withdrawn release', async () => {
  const scope = await freshScope(ground);
  for (const seed of [1, 2, 3]) await deploy(ground, scope, seed);
  expect((await rollBack(scope)).to.number).toBe(2);
  expect((await rollBack(scope)).to.number).toBe(1);
  await expect(rollBack(scope)).rejects.toMatchObject({ code: 'nothing-to-roll-back' });
  expect(await serving(ground, scope)).toEqual(['champion 1 100']);
});

test('a named release that has served before serves again, even if it was withdrawn', async () => {
  const scope = await freshScope(ground);
  const [first, second, third] = [
    await deploy(ground, scope, 1),
    await deploy(ground, scope, 2),
    await deploy(ground, scope, 3),
  ];
  await rollBack(scope, first.id);
  expect(await serving(ground, scope)).toEqual(['champion 1 100']);
  expect(await rollBack(scope, third.id)).toMatchObject({ from: first, to: third, changed: true });
  expect(await rollBack(scope)).toMatchObject({ from: third, to: second });
});

test('a rollback to the only serving release sets the hold and changes nothing else', async () => {
  const scope = await freshScope(ground);
  const first = await deploy(ground, scope, 1);
  expect(await rollBack(scope, first.id)).toMatchObject({ from: first, to: first, changed: false });
  expect((await deployments.history(scope, 10)).map((row) => row.generation)).toEqual([1]);
  expect(await holdOf(scope)).not.toBeNull();
});

test('a rollback to a release that never served is refused, such as one of another model, a canary, or an unloadable one', async () => {
  const scope = await freshScope(ground);
  await expect(rollBack(scope)).rejects.toMatchObject({ code: 'nothing-to-roll-back' });
  await deploy(ground, scope, 1);
  const broken = await rollOut(ground, scope, 2, [50, 100]);
  await deployments.abort(scope, { runId: broken.runId, reason: 'it cannot be loaded' });
  await expect(rollBack(scope)).rejects.toMatchObject({ code: 'nothing-to-roll-back' });
  const elsewhere = await deploy(ground, await freshScope(ground), 3);
  for (const id of [broken.release.id, elsewhere.id])
    await expect(rollBack(scope, id)).rejects.toMatchObject({ code: 'nothing-to-roll-back' });
  expect(await holdOf(scope)).toBeNull();
  expect(await serving(ground, scope)).toEqual(['champion 1 100']);
});

test('after the undo of a first release there is nothing to roll back', async () => {
  const scope = await freshScope(ground);
  const { runId } = await rollOut(ground, scope, 1, [100]);
  await deployments.abort(scope, { runId, reason: 'no gateway' });
  await expect(rollBack(scope)).rejects.toMatchObject({ code: 'nothing-to-roll-back' });
});

test('a rollback during a canary abandons the canary, its run loses the rollout, and the champion serves alone', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const second = await deploy(ground, scope, 2);
  const canary = await rollOut(ground, scope, 3, [10]);
  expect(await rollBack(scope)).toMatchObject({ from: canary.release, to: second, changed: true });
  expect(await serving(ground, scope)).toEqual(['champion 2 100']);
  await expect(raise(ground, scope, { runId: canary.runId, weight: 50 })).rejects.toMatchObject({
    code: 'rollout-superseded',
  });
  expect(await deployments.abort(scope, { runId: canary.runId, reason: 'late' })).toBeUndefined();
  expect(await serving(ground, scope)).toEqual(['champion 2 100']);
});

test('a rollback to an older release during a canary withdraws both the canary and the champion', async () => {
  const scope = await freshScope(ground);
  const first = await deploy(ground, scope, 1);
  const second = await deploy(ground, scope, 2);
  const canary = await rollOut(ground, scope, 3, [10]);
  expect(await rollBack(scope, first.id)).toMatchObject({ from: canary.release, to: first });
  for (const release of [canary.release, second]) {
    // The strategy is part of the release.
    await applySteps(ground, scope, release === second ? [100] : [10]);
    await expect(beginDeploy(ground, scope, release.evaluationId, true)).rejects.toMatchObject({
      code: 'not-a-candidate',
    });
  }
});

test('a repeated rollback returns the same result and does nothing', async () => {
  const scope = await freshScope(ground);
  for (const seed of [1, 2, 3]) await deploy(ground, scope, seed);
  const runId = await beginRollback(scope);
  const answers = await Promise.all(Array.from({ length: 8 }, () => rollBack(scope, undefined, runId)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(await serving(ground, scope)).toEqual(['champion 2 100']);
  expect(await entriesOf(ground, scope, 'rollback.ordered')).toHaveLength(1);
});

test('two concurrent rollbacks are carried out one after the other', async () => {
  const scope = await freshScope(ground);
  for (const seed of [1, 2, 3]) await deploy(ground, scope, seed);
  const two = await Promise.all([rollBack(scope), rollBack(scope)]);
  expect(two.map((done) => `${done.from.number} to ${done.to.number}`).toSorted()).toEqual(['2 to 1', '3 to 2']);
  expect(await serving(ground, scope)).toEqual(['champion 1 100']);
  expect((await ground.repositories.ledger.verify(scope.modelId)).problem).toBeNull();
});

test('of a concurrent rollback and promotion one wins completely', async () => {
  for (let round = 0; round < 4; round += 1) {
    const scope = await freshScope(ground);
    await deploy(ground, scope, 1);
    await deploy(ground, scope, 2);
    const { runId } = await rollOut(ground, scope, 3, [50]);
    const [promoted] = await Promise.allSettled([raise(ground, scope, { runId, weight: 100 }), rollBack(scope)]);
    // If the promotion comes first, the rollback withdraws the promoted release. If the rollback comes first, the
    // promotion fails, because its rollout was superseded.
    if (promoted.status === 'rejected') expect(promoted.reason).toMatchObject({ code: 'rollout-superseded' });
    expect(await serving(ground, scope)).toEqual(['champion 2 100']);
  }
});

test('automation does not promote a withdrawn release; a person may, and after that automation may too', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const { evaluationId } = await deploy(ground, scope, 2);
  await rollBack(scope);
  await expect(beginDeploy(ground, scope, evaluationId, true)).rejects.toMatchObject({
    code: 'not-a-candidate',
    message: expect.stringContaining('withdrawn'),
  });
  const { runId, release } = await beginDeploy(ground, scope, evaluationId);
  await approve(ground, scope, { runId, release });
  await deployments.beginRollout(scope, runId);
  await raise(ground, scope, { runId, weight: 100 });
  await deployments.endRollout(scope, runId);
  await deploy(ground, scope, 3);
  expect((await beginDeploy(ground, scope, evaluationId, true)).release).toEqual(release);
});

test('during a hold an automated rollout is superseded and a person’s continues, until promotion is resumed', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  await deploy(ground, scope, 2);
  await rollBack(scope);
  const { evaluation } = await seedCandidate(ground, scope, 3);
  const automated = await beginDeploy(ground, scope, evaluation.id, true);
  await approve(ground, scope, automated);
  const begin = () => deployments.beginRollout(scope, automated.runId);
  expect(await begin()).toBe('superseded');
  const byPerson = await beginDeploy(ground, scope, evaluation.id);
  await approve(ground, scope, byPerson);
  expect(await deployments.beginRollout(scope, byPerson.runId)).toBe('begun');
  await deployments.endRollout(scope, byPerson.runId);
  const resume = { kind: 'resume', schemaVersion: 1, reason: 'the cause is found' } as const;
  for (let times = 0; times < 2; times += 1) {
    await ground.repositories.lifecycle.submit(scope, resume, ground.by);
    await ground.repositories.lifecycle.advance(scope, planLifecycle);
  }
  expect(await holdOf(scope)).toBeNull();
  expect(await begin()).toBe('begun');
  expect((await entriesOf(ground, scope, 'promotion.resumed')).map((entry) => entry.reason)).toEqual([resume.reason]);
});

test('the named heads go back with the release and in the ledger, and the other heads stay', async () => {
  const scope = await freshScope(ground);
  const first = await deploy(ground, scope, 1);
  await deploy(ground, scope, 2);
  const { repositories, by } = ground;
  const before = await repositories.models.heads(scope);
  const { configuration: was } = await repositories.models.configuration(first.configurationId);
  const changed = await repositories.models.apply('default', scope.environment, { ...was, owner: 'another-team' }, by);
  const runId = await beginRollback(scope);
  const request = { runId, heads: ['data', 'config'] as const, reason: 'bad rows', by };
  await deployments.rollback(scope, request);
  // A retry of an attempt that was believed lost must not move anything again.
  await deployments.rollback(scope, request);
  const after = await repositories.models.heads(scope);
  expect(changed.configuration.id).not.toBe(first.configurationId);
  expect(after).toMatchObject({
    datasetVersionId: first.datasetVersionId,
    configurationId: first.configurationId,
    codeVersionId: before.codeVersionId,
  });
  expect(await entriesOf(ground, scope, 'heads.moved')).toMatchObject([
    {
      reason: 'bad rows',
      subject: {
        heads: ['data', 'config'],
        release: first.digest,
        from: { configurationId: changed.configuration.id },
        to: { datasetVersionId: first.datasetVersionId, configurationId: first.configurationId },
      },
    },
  ]);
});

test('a rollback during a shadow goes back from the champion, and does not withdraw the shadow', async () => {
  const scope = await freshScope(ground);
  const first = await deploy(ground, scope, 1);
  const second = await deploy(ground, scope, 2);
  const { release: shadow } = await rollOut(ground, scope, 3, [0]);
  expect(await serving(ground, scope)).toEqual(['champion 2 100', 'shadow 3 0']);
  expect(await rollBack(scope)).toMatchObject({ from: second, to: first, changed: true });
  expect(await serving(ground, scope)).toEqual(['champion 1 100']);
  // No caller received the shadow's predictions, so the shadow is not withdrawn and may still be promoted.
  const { evaluationId } = shadow;
  expect((await beginDeploy(ground, scope, evaluationId, true)).release.id).toBe(shadow.id);
});
