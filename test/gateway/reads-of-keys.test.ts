import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import type { ServingGround, TestGateway } from '../support/serving-ground.ts';
import { inferBody, layServingGround, startTestGateway } from '../support/serving-ground.ts';

let ground: ServingGround;
let serving: TestGateway;

afterEach(async () => {
  await serving.close();
  await ground.stop();
});

test('an old read of the keys that ends after a newer one brings no revoked key back', async () => {
  ground = await layServingGround();
  await ground.deploy({ bias: 100 });
  const { principals, deployments, monitoring } = ground.repositories;
  const release = Promise.withResolvers<void>();
  let hold = false;
  let isHeld = false;
  const keys = async () => {
    const records = await principals.keys();
    if (hold) {
      hold = false;
      isHeld = true;
      await release.promise;
    }
    return records;
  };
  serving = await startTestGateway(ground, {
    repositories: { deployments, monitoring, principals: { ...principals, keys } },
  });
  const key = await ground.addKey('leaver', [{ role: 'viewer' }]);
  const infer = async (given: string) =>
    (await serving.ask('POST /v2/models/bike/infer', inferBody([[1, 2]]), { key: given })).status;
  expect(await infer(key)).toBe(200);

  hold = true;
  await vi.waitFor(() => expect(isHeld).toBe(true), { timeout: 10_000 });
  const { id } = await principals.ensure('leaver', 'person', [], null);
  const [record] = (await principals.keys()).filter(({ principal }) => principal.id === id);
  await principals.revokeKey(id, record!.keyId, ground.operator);
  // An unknown key makes the gateway read the keys again.
  expect(await infer('no-such-key')).toBe(401);
  expect(await infer(key)).toBe(401);
  release.resolve();
  await turn();
  expect(await infer(key)).toBe(401);
});
