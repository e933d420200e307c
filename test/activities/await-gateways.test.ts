import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ActivityDependencies } from '../../activities/activity-dependencies.ts';
import { createAwaitGateways } from '../../activities/deployment/await-gateways.ts';
import type { Repositories } from '../../ports/repositories/repositories.ts';
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

async function awaiting(scope: Scope, { waitedMs = 0, repositories = ground.repositories } = {}): Promise<unknown> {
  const awaitGateways = createAwaitGateways({ repositories } as ActivityDependencies);
  const input = { runId: ground.context.ids.next(), scope, generation: 1, waitedMs };
  return new MockActivityEnvironment().run(awaitGateways, input);
}

test('a generation is deployed when every gateway with a live lease has loaded it, even if one failed at first', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const [swift, slow] = (await liveGateways(2)) as [Id, Id];
  await acknowledge(scope, swift, null);
  await acknowledge(scope, slow, 'the store is away');
  const loaded = awaiting(scope);
  // Only elapsed time can show that the wait continues.
  const unsettled = await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 300, 'waiting'))]);
  expect(unsettled).toBe('waiting');
  await acknowledge(scope, slow, null);
  expect(await loaded).toEqual({ loaded: true });
});

test('a gateway that keeps failing ends the wait with its own error message', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const [gateway] = (await liveGateways(1)) as [Id];
  await acknowledge(scope, gateway, 'the graph has no output');
  await expect(awaiting(scope)).rejects.toMatchObject({
    code: 'artifact-invalid',
    message: expect.stringContaining('the graph has no output'),
  });
});

test('a gateway whose lease ends during the wait is no longer waited for', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const [swift, dying] = (await liveGateways(2)) as [Id, Id];
  await acknowledge(scope, swift, null);
  const loaded = awaiting(scope);
  await ground.repositories.deployments.endLease(dying);
  expect(await loaded).toEqual({ loaded: true });
});

/** Returns the repositories, and a counter of how often acknowledgements were read. */
function counting(): { readonly repositories: Repositories; readonly reads: () => number } {
  let reads = 0;
  const { deployments } = ground.repositories;
  const acknowledgements: typeof deployments.acknowledgements = (...given) => {
    reads += 1;
    return deployments.acknowledgements(...given);
  };
  return {
    repositories: { ...ground.repositories, deployments: { ...deployments, acknowledgements } },
    reads: () => reads,
  };
}

test('an acknowledgement wakes the waiting activity, which reads nothing before then', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const [gateway] = (await liveGateways(1)) as [Id];
  const { repositories, reads } = counting();
  const loaded = awaiting(scope, { repositories });
  await expect.poll(reads, { timeout: 10_000 }).toBe(1);
  // Only elapsed time can show that nothing is read: a polling loop would read many times in a second.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(reads()).toBe(1);
  const told = Date.now();
  await acknowledge(scope, gateway, null);
  expect(await loaded).toEqual({ loaded: true });
  expect(Date.now() - told).toBeLessThan(500);
  expect(reads()).toBe(2);
});

test('a wait for gateways frees its worker slot after a few seconds, and fails when the total wait is too long', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const [gateway] = (await liveGateways(1)) as [Id];
  const [early, late] = await Promise.allSettled([awaiting(scope), awaiting(scope, { waitedMs: 60_000 })]);
  expect(early).toEqual({ status: 'fulfilled', value: { loaded: false } });
  expect(late).toMatchObject({
    status: 'rejected',
    reason: {
      code: 'gateways-absent',
      message: expect.stringContaining(`gateways ${gateway} have not loaded the generation`),
    },
  });
});
