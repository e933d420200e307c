import { platformViewer } from '../../contracts/access/principal.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { planLifecycle } from '../../activities/lifecycle/plan-lifecycle.ts';
import type { LifecycleOrders } from '../../contracts/runs/lifecycle-plan.ts';
import { createDeploymentRepository } from '../../db/deployments/deployment-repository.ts';
import { createLedgerRepository } from '../../db/ledger/ledger-repository.ts';
import { createLifecycleRepository } from '../../db/lifecycle/lifecycle-repository.ts';
import { createModelRepository } from '../../db/models/model-repository.ts';
import { createRunRepository } from '../../db/runs/run-repository.ts';
import { configuration, layDatabaseGround, queueBuild, type DatabaseGround } from './database-ground.ts';
import { seedGeneration } from '../support/seed-generation.ts';
import { seedRelease, type SeededRelease } from './seed-release.ts';

let ground: DatabaseGround;
let models: ReturnType<typeof createModelRepository>;
let deployments: ReturnType<typeof createDeploymentRepository>;
let lifecycle: ReturnType<typeof createLifecycleRepository>;
let decision: { reason: string; by: string };

beforeEach(async () => {
  ground = await layDatabaseGround();
  models = createModelRepository(ground.context);
  deployments = createDeploymentRepository(ground.context);
  lifecycle = createLifecycleRepository(ground.context);
  decision = { reason: 'the station was closed', by: ground.by };
});
afterEach(() => ground?.end());

async function promote(release: SeededRelease, weight = 100): Promise<string> {
  const { scope, by } = ground;
  const runId = await queueBuild(ground);
  await seedGeneration(ground.context, scope, { releaseId: release.id, weight, runId, by });
  return runId;
}

const look = (): Promise<LifecycleOrders> => lifecycle.advance(ground.scope, planLifecycle);
const serving = async () =>
  (await deployments.current(ground.scope))?.slots.map(({ role, releaseId, weight }) => ({ role, releaseId, weight }));

test('an archived model serves nothing and requests nothing, nothing of it is deleted, and archiving again changes nothing', async () => {
  const { scope, context } = ground;
  await promote(await seedRelease(ground, 1));
  expect(await models.archive(scope.modelId, decision)).toEqual([scope]);
  await models.archive(scope.modelId, decision);
  expect(await serving()).toEqual([]);
  expect((await models.get('default', scope.model)).archivedAt).not.toBeNull();
  expect((await models.list(platformViewer, 'default', { limit: 10 })).items).toEqual([]);
  expect((await models.list(platformViewer, 'default', { limit: 10 }, true)).items.map((model) => model.name)).toEqual([
    scope.model,
  ]);
  expect(await models.scopes()).toEqual([]);
  const trigger = { kind: 'trigger', schemaVersion: 1, trigger: 'manual', reason: '', fingerprint: 'x' } as const;
  await expect(lifecycle.submit(scope, trigger, ground.by)).rejects.toMatchObject({ code: 'model-archived' });
  await expect(models.apply('default', 'production', configuration, ground.by)).rejects.toMatchObject({
    code: 'model-archived',
  });
  const ledger = createLedgerRepository(context);
  const told = await ledger.list(platformViewer, { project: 'default', kind: 'model.archived' }, { limit: 10 });
  expect(told.items).toMatchObject([{ reason: 'the station was closed', environment: null }]);
  expect((await ledger.verify(scope.modelId)).problem).toBeNull();
});

test('a restored model serves its last release in a new generation, with unchanged heads', async () => {
  const { scope } = ground;
  const release = await seedRelease(ground, 1);
  await promote(release);
  const heads = await models.heads(scope);
  const before = (await deployments.current(scope))?.generation ?? 0;
  await models.archive(scope.modelId, decision);
  await models.restore(scope.modelId, decision);
  await models.restore(scope.modelId, decision);
  expect(await serving()).toEqual([{ role: 'champion', releaseId: release.id, weight: 100 }]);
  expect(await deployments.current(scope)).toMatchObject({ generation: before + 2, change: 'restore' });
  expect(await models.heads(scope)).toEqual({ ...heads, generation: before + 2, rolloutRunId: null });
  expect((await models.get('default', scope.model)).archivedAt).toBeNull();
});

test('a model that was archived with a canary is restored with the champion alone', async () => {
  const { scope } = ground;
  const [first, second] = [await seedRelease(ground, 1), await seedRelease(ground, 2)];
  await promote(first);
  await promote(second, 10);
  await models.archive(scope.modelId, decision);
  expect(await serving()).toEqual([]);
  await models.restore(scope.modelId, decision);
  expect(await serving()).toEqual([{ role: 'champion', releaseId: first.id, weight: 100 }]);
});

test('the lifecycle of an archived model ends its runs, drops waiting triggers, and then ends itself', async () => {
  const { scope, context, by } = ground;
  const runs = createRunRepository(context);
  const [unstarted, running] = [await queueBuild(ground), await queueBuild(ground)];
  await runs.begin(running);
  const trigger = { kind: 'trigger', schemaVersion: 1, trigger: 'manual', reason: '', fingerprint: 'x' } as const;
  await lifecycle.submit(scope, trigger, by);
  await models.archive(scope.modelId, decision);
  const orders = await look();
  expect(orders).toMatchObject({ start: [], cancel: [{ workflowId: expect.stringContaining(running) }], ended: false });
  expect(await runs.get(unstarted)).toMatchObject({ state: 'cancelled', reason: 'the model was archived' });
  expect((await lifecycle.triggers(scope, { limit: 10 })).items).toMatchObject([
    { status: 'dropped', droppedBecause: 'the model was archived' },
  ]);
  await runs.cancel(running, 'cancelled');
  expect(await look()).toMatchObject({ start: [], cancel: [], wakeInMs: null, ended: true });
  await models.restore(scope.modelId, decision);
  expect(await look()).toMatchObject({ ended: false });
});

test('a model without a generation can be archived and restored', async () => {
  const { scope } = ground;
  await models.archive(scope.modelId, decision);
  await models.restore(scope.modelId, decision);
  expect(await deployments.current(scope)).toBeUndefined();
});
