import { platformViewer } from '../../contracts/access/principal.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEnvironmentRepository } from '../../db/environments/environment-repository.ts';
import { createLedgerRepository } from '../../db/ledger/ledger-repository.ts';
import { createModelRepository } from '../../db/models/model-repository.ts';
import { createScheduleRepository } from '../../db/schedules/schedule-repository.ts';
import { configuration, layDatabaseGround, type DatabaseGround } from './database-ground.ts';

let ground: DatabaseGround;

beforeAll(async () => {
  ground = await layDatabaseGround();
});

afterAll(() => ground?.end());

const policy = { votes: 2, roles: ['approver' as const], requesterMayVote: false, expires: '72h' };

test('twenty concurrent applications of a new model create it once, with one configuration', async () => {
  const models = createModelRepository(ground.context);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => models.apply('fresh', 'production', configuration, ground.by)),
  );
  expect(new Set(answers.map((answer) => answer.scope.modelId)).size).toBe(1);
  expect(new Set(answers.map((answer) => answer.configuration.id)).size).toBe(1);
  expect(answers.filter((answer) => answer.changed)).toHaveLength(1);
  expect((await models.list(platformViewer, 'fresh', { limit: 10 })).items).toMatchObject([
    { name: 'bike-demand', task: 'regression', owner: 'demand-team' },
  ]);
});

test('a changed configuration is the next version, and an earlier one again is its earlier version', async () => {
  const models = createModelRepository(ground.context);
  const named = { ...configuration, name: 'configured' };
  const first = await models.apply('default', 'production', named, ground.by);
  const second = await models.apply('default', 'production', { ...named, owner: 'others' }, ground.by);
  expect(second).toMatchObject({ changed: true, configuration: { number: 2 } });
  expect((await models.get('default', 'configured')).owner).toBe('others');
  const back = await models.apply('default', 'production', named, ground.by);
  expect(back).toEqual({ ...first, changed: true });
  expect(await models.currentConfiguration(back.scope)).toEqual(first.configuration);
  expect(await models.configuration(second.configuration.id)).toEqual(second.configuration);
  expect((await models.heads(back.scope)).configurationId).toBe(first.configuration.id);
});

test('an absent model and an absent environment give different errors, and the existing environments are named', async () => {
  const models = createModelRepository(ground.context);
  await expect(models.scope('default', 'nowhere', 'production')).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringContaining('default/nowhere'),
  });
  await expect(models.scope('default', 'bike-demand', 'staging')).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringContaining('its environments: production'),
  });
  expect(await models.scope('default', 'bike-demand', 'production')).toEqual(ground.scope);
  expect(await models.scopeOf(ground.scope.modelId, 'production')).toEqual(ground.scope);
  await expect(models.get('default', 'nowhere')).rejects.toMatchObject({ code: 'not-found' });
  expect(await models.scopes()).toContainEqual(ground.scope);
});

test('a minimum policy is stored and shown to every model in the environment, and setting it again changes nothing', async () => {
  const environments = createEnvironmentRepository(ground.context);
  await environments.put('default', 'production', { minimumPolicy: policy }, ground.by);
  await environments.put('default', 'production', { minimumPolicy: policy }, ground.by);
  expect(await environments.get('default', 'production')).toMatchObject({
    clock: 'wall',
    virtualNow: null,
    minimumPolicy: policy,
  });
  const { items } = await createLedgerRepository(ground.context).list(
    platformViewer,
    { project: 'default', model: 'bike-demand', kind: 'environment.configured' },
    { limit: 10 },
  );
  expect(items).toMatchObject([{ subject: { minimumPolicy: policy, previous: null } }]);
});

test('an environment can be created before anything is applied to it', async () => {
  const environments = createEnvironmentRepository(ground.context);
  await environments.put('early', 'staging', { minimumPolicy: null }, ground.by);
  expect((await environments.list(platformViewer, 'early')).map((environment) => environment.name)).toEqual([
    'staging',
  ]);
  await expect(environments.get('early', 'production')).rejects.toMatchObject({ code: 'not-found' });
});

test('a virtual clock only moves forward, and a wall clock cannot be moved', async () => {
  const environments = createEnvironmentRepository(ground.context);
  const begin = '2011-07-01T04:00:00.000Z';
  const later = '2011-08-01T04:00:00.000Z';
  await environments.makeVirtual('default', 'rehearsal-1', begin, ground.by);
  expect(await environments.now('default', 'rehearsal-1')).toBe(begin);
  await environments.advanceClock('default', 'rehearsal-1', later);
  await environments.advanceClock('default', 'rehearsal-1', begin);
  await environments.makeVirtual('default', 'rehearsal-1', begin, ground.by);
  expect(await environments.now('default', 'rehearsal-1')).toBe(later);
  await expect(environments.advanceClock('default', 'production', later)).rejects.toMatchObject({ code: 'conflict' });
  await expect(environments.makeVirtual('default', 'production', later, ground.by)).rejects.toMatchObject({
    code: 'conflict',
  });
  expect((await environments.now('default', 'production')) > later).toBe(true);
  await expect(environments.now('default', 'nowhere')).rejects.toMatchObject({ code: 'not-found' });
});

test('a schedule is set, changed and removed, each with one ledger entry', async () => {
  const schedules = createScheduleRepository(ground.context);
  const { scope, by } = ground;
  const monthly = { cron: '0 3 1 * *', timezone: 'UTC', paused: false, overlap: 'skip' as const };
  const set = await schedules.put(scope, 'monthly', monthly, by);
  expect(await schedules.put(scope, 'monthly', monthly, by)).toEqual(set);
  await schedules.put(scope, 'monthly', { ...monthly, paused: true }, by);
  expect(await schedules.get(scope, 'monthly')).toMatchObject({ paused: true, cron: '0 3 1 * *' });
  expect(await schedules.list(scope)).toHaveLength(1);
  await schedules.remove(scope, 'monthly', by);
  await schedules.remove(scope, 'monthly', by);
  await expect(schedules.get(scope, 'monthly')).rejects.toMatchObject({ code: 'not-found' });
  await expect(schedules.remove(scope, 'never', by)).rejects.toMatchObject({ code: 'not-found' });
  const { items } = await createLedgerRepository(ground.context).list(
    platformViewer,
    { project: 'default', model: 'bike-demand' },
    { limit: 50 },
  );
  expect(items.filter((entry) => entry.kind.startsWith('schedule.')).map((entry) => entry.kind)).toEqual([
    'schedule.removed',
    'schedule.set',
    'schedule.set',
  ]);
});
