import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildInputs } from '../../activities/build/training/build-inputs.ts';
import { createQueueOfBuild } from '../../activities/build/training/queue-of-build.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { configuration } from '../db/database-ground.ts';
import type { GarbageGround } from '../support/garbage-ground.ts';
import { layGarbageGround } from '../support/garbage-ground.ts';
import { requests } from '../support/begin-run-of.ts';
import { beginRun, seedCode, seedDataset } from '../support/seed-candidate.ts';

let ground: GarbageGround;
beforeAll(async () => {
  ground = await layGarbageGround(configuration);
});
afterAll(() => ground?.end());

test('a build uses the configuration and the dataset heads from its start, even if they change meanwhile', async () => {
  const { repositories, scope, by } = ground;
  const heads = async () => ({
    configuration: (await repositories.models.currentConfiguration(scope)).id,
    dataset: (await repositories.datasets.head(scope))?.id,
    code: (await repositories.code.head(scope))?.id,
  });
  const inputsOf = async (runId: string) => {
    const inputs = await buildInputs({ repositories }, { runId, scope });
    return { configuration: inputs.configuration.id, dataset: inputs.dataset.id, code: inputs.code.id };
  };
  const queueOf = createQueueOfBuild({ repositories });
  await seedDataset(repositories, scope, by);
  await seedCode(repositories, scope, by, sha256OfBytes('first'));
  const before = await heads();
  const runId = await beginRun(repositories, scope, requests.build, by);
  expect(await queueOf({ runId, scope })).toEqual({ queue: 'train' });

  const moved = Configuration.parse({
    ...configuration,
    build: { ...configuration.build, resources: { queue: 'train-gpu' } },
  });
  await repositories.models.apply('default', 'production', moved, by);
  await seedDataset(repositories, scope, by, [{ sha256: sha256OfBytes('part'), bytes: 1, rows: 1 }]);
  await seedCode(repositories, scope, by, sha256OfBytes('second'));
  const after = await heads();
  for (const head of ['configuration', 'dataset', 'code'] as const) expect(after[head]).not.toBe(before[head]);

  expect(await queueOf({ runId, scope })).toEqual({ queue: 'train' });
  expect(await inputsOf(runId)).toEqual(before);
  await repositories.runs.cancel(runId, 'seeded');
  const next = await beginRun(repositories, scope, requests.build, by);
  expect(await inputsOf(next)).toEqual(after);
});
