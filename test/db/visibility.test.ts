import { array, assert, asyncProperty, constantFrom, option, record } from 'fast-check';
import { asc, eq } from '../../db/connection/orm.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isGranted } from '../../contracts/access/principal.ts';
import { createModelRepository } from '../../db/models/model-repository.ts';
import { modelEnvironments } from '../../db/environments/environment-tables.ts';
import { models } from '../../db/models/model-tables.ts';
import { visibleRows } from '../../db/principals/visibility.ts';
import { configuration, type DatabaseGround, layDatabaseGround } from './database-ground.ts';

let ground: DatabaseGround;
beforeAll(async () => {
  ground = await layDatabaseGround();
  const repository = createModelRepository(ground.context);
  for (const project of ['default', 'other'])
    for (const name of ['bike', 'taxi'])
      for (const environment of ['production', 'staging'])
        await repository.apply(project, environment, { ...configuration, name }, ground.by);
});
afterAll(() => ground?.end());

const maybe = (...names: string[]) => option(constantFrom(...names), { nil: undefined });
const grant = record({
  role: constantFrom('viewer', 'operator', 'approver', 'admin'),
  project: maybe('default', 'other', 'neither'),
  model: maybe('bike', 'taxi', 'neither'),
  environment: maybe('production', 'staging', 'neither'),
});

test('for all grants, a list shows exactly the rows that are visible one by one', async () => {
  const { db } = ground.context;
  const places = await db
    .select({ project: models.project, model: models.name, environment: modelEnvironments.environment })
    .from(modelEnvironments)
    .innerJoin(models, eq(models.id, modelEnvironments.modelId))
    .orderBy(asc(models.id), asc(modelEnvironments.environment));
  expect(places.length).toBeGreaterThanOrEqual(8);
  await assert(
    asyncProperty(array(grant, { maxLength: 4 }), async (grants) => {
      const shown = await db
        .select({ project: models.project, model: models.name, environment: modelEnvironments.environment })
        .from(modelEnvironments)
        .innerJoin(models, eq(models.id, modelEnvironments.modelId))
        .where(visibleRows({ grants }, modelEnvironments.environment))
        .orderBy(asc(models.id), asc(modelEnvironments.environment));
      expect(shown).toEqual(places.filter((place) => isGranted(grants, 'viewer', place)));
    }),
    { numRuns: 300 },
  );
});
