import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createEndCollection,
  createMarkReachable,
  createSweepGarbage,
} from '../../activities/retention/collection-activities.ts';
import { installationSteps } from '../../contracts/pipelines/installation-steps.ts';
import { usualGraceMs } from '../../contracts/runs/collection.ts';
import { configuration } from '../db/database-ground.ts';
import type { GarbageGround } from '../support/garbage-ground.ts';
import { layGarbageGround } from '../support/garbage-ground.ts';
import { seedVersion } from '../support/seed-candidate.ts';

let ground: GarbageGround;
beforeAll(async () => {
  ground = await layGarbageGround(configuration);
});
afterAll(() => ground?.end());

test('a collection that ends too early, or that marked nothing, removes nothing in use', async () => {
  const { repositories, scope, by, store: objectStore } = ground;
  const artifact = await ground.put('in use');
  await seedVersion(repositories, scope, by, { seed: 1, artifact });
  const parts = { repositories, objectStore, lifecyclePrincipal: 'lifecycle' };
  const [markReachable, sweepGarbage] = [createMarkReachable(parts), createSweepGarbage(parts)];
  const endCollection = createEndCollection({ ...parts } as never);
  const begin = async () => (await repositories.collections.begin({ dryRun: false, graceMs: usualGraceMs, by })).id;

  // The end of a collection discards its list of reachable blobs. A sweep after that would treat every blob as garbage.
  const ended = { collectionId: await begin() };
  await markReachable(ended);
  await endCollection({ ...ended, failure: null });
  await expect(sweepGarbage(ended)).rejects.toMatchObject({ code: 'unproven' });
  await expect(markReachable(ended)).rejects.toMatchObject({ code: 'unproven' });
  await expect(
    repositories.collections.claim(ended.collectionId, [{ sha256: artifact, bytes: 1 }]),
  ).rejects.toMatchObject({
    code: 'unproven',
  });

  const unmarked = { collectionId: await begin() };
  await sweepGarbage(unmarked);
  expect(await repositories.collections.claim(unmarked.collectionId, [{ sha256: artifact, bytes: 1 }])).toEqual([]);
  expect(await ground.stored()).toContain(artifact);
});

test.each([
  ['perennial-garbage/scheduled-2026-01-01T04:17:00Z', '17 4 * * *', undefined],
  ['perennial-garbage/scheduled-2026-01-01T04:18:00Z', '17 4 * * *', expect.any(String)],
  ['perennial-garbage/scheduled-2026-01-01T04:17:00Z', null, expect.any(String)],
  ['perennial-garbage/scheduled', '17 4 * * *', expect.any(String)],
  ['foreign', '* * * * *', expect.any(String)],
])(
  'the workflow %s that begins a collection under the schedule %s gets the complaint %s',
  (workflowId, collectionSchedule, complaint) => {
    const { beginCollection } = installationSteps.steps;
    const execution = { workflowId, executionId: 'x' };
    expect(beginCollection.complaint({ collectionId: null }, execution, { collectionSchedule })).toEqual(complaint);
  },
);
