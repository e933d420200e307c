import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StoringDependencies } from '../../activities/activity-dependencies.ts';
import { createPlanRehearsal } from '../../activities/rehearsal/plan-rehearsal.ts';
import { usualGraceMs } from '../../contracts/runs/collection.ts';
import { configuration } from '../db/database-ground.ts';
import type { GarbageGround } from '../support/garbage-ground.ts';
import { layGarbageGround } from '../support/garbage-ground.ts';
import { seedRehearsal } from '../support/seed-candidate.ts';
import { tableEngineBench } from '../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
let ground: GarbageGround;
beforeAll(async () => {
  ground = await layGarbageGround(configuration);
});
afterAll(() => ground?.end());

test('the file that a rehearsal ingests from is kept for weeks once the plan is made', async () => {
  const { repositories, store: objectStore } = ground;
  const file = await bench.parquet('rows', 'select 1 as id, 0.5 as temp, 3 as cnt');
  const { sha256, bytes } = await objectStore.putFile(file.path);
  const { scope, runId } = await seedRehearsal(repositories, ground.scope, ground.by, [{ sha256, bytes, rows: 1 }]);
  const deps = {
    repositories,
    objectStore,
    tableEngine: bench.engine,
    scratchFolder: bench.folder(),
    rehearsalKey: (id: string) => `key of ${id}`,
  } as unknown as StoringDependencies;
  const { rows } = await createPlanRehearsal(deps)({ runId, scope });
  await ground.age(rows, 40 * usualGraceMs);
  await ground.collect();
  expect(await ground.stored()).toContain(rows);
});
