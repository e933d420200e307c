import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ActivityDependencies } from '../../activities/dependencies.ts';
import { createRolloutActivities } from '../../activities/deployment/rollout-activities.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { deploy, freshScope, layDeploymentGround, type DeploymentGround } from '../db/deployment-ground.ts';

let ground: DeploymentGround;

beforeAll(async () => {
  ground = await layDeploymentGround();
});

afterAll(() => ground?.end());

async function liveGateways(count: number): Promise<Id[]> {
  const { deployments } = ground.repositories;
  for (const { id } of await deployments.liveGateways()) await deployments.endLease(id);
  const ids = Array.from({ length: count }, () => ground.context.ids.next());
  for (const id of ids) await deployments.keepLease({ id, address: 'http://127.0.0.1:9' }, '2100-01-01T00:00:00.000Z');
  return ids;
}

function acknowledge({ modelId, environment }: Scope, gatewayId: Id, error: string | null): Promise<void> {
  return ground.repositories.deployments.acknowledge({ gatewayId, modelId, environment, generation: 1, error });
}

async function awaiting(scope: Scope): Promise<'loaded'> {
  const { awaitGateways } = createRolloutActivities({ repositories: ground.repositories } as ActivityDependencies);
  await new MockActivityEnvironment().run(awaitGateways, {
    runId: ground.context.ids.next(),
    scope,
    generation: 1,
    waitedMs: 0,
  });
  return 'loaded';
}

test('a generation is deployed when every gateway with a live lease has loaded it, one that failed at first among them', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const [swift, slow] = (await liveGateways(2)) as [Id, Id];
  await acknowledge(scope, swift, null);
  await acknowledge(scope, slow, 'the store is away');
  const loaded = awaiting(scope);
  const unsettled = await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 300, 'waiting'))]);
  expect(unsettled).toBe('waiting');
  await acknowledge(scope, slow, null);
  expect(await loaded).toBe('loaded');
});

test('a gateway that goes on failing ends the wait, with its own words', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const [gateway] = (await liveGateways(1)) as [Id];
  await acknowledge(scope, gateway, 'the graph has no output');
  await expect(awaiting(scope)).rejects.toMatchObject({
    code: 'artifact-invalid',
    message: expect.stringContaining('the graph has no output'),
  });
});

test('a gateway whose lease ends while it is awaited is awaited no longer', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const [swift, dying] = (await liveGateways(2)) as [Id, Id];
  await acknowledge(scope, swift, null);
  const loaded = awaiting(scope);
  await ground.repositories.deployments.endLease(dying);
  expect(await loaded).toBe('loaded');
});
