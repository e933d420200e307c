import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import { createLogger } from '../../adapters/logger/pino.ts';
import type { TemporalWorkflowClient } from '../../adapters/workflow-client/temporal-workflow-client.ts';
import {
  createTemporalWorkflowClient,
  registerSearchAttributes,
} from '../../adapters/workflow-client/temporal-workflow-client.ts';
import { createScheduleKeeper } from '../../api/keeping/schedule-keeper.ts';
import { sql } from '../../db/connection/orm.ts';
import { createPostgresRepositories } from '../../db/postgres-repositories.ts';
import type { Repositories } from '../../ports/repositories/repositories.ts';
import type { WorkflowClient } from '../../ports/workflow-client.ts';
import type { DatabaseGround } from '../db/database-ground.ts';
import { layDatabaseGround } from '../db/database-ground.ts';
import { freePort } from '../../stack/ports.ts';
import { startTemporal } from '../support/temporal-of-tests.ts';
import type { TestTemporal } from '../support/temporal-of-tests.ts';

const logger = createLogger({ name: 'test', level: 'silent' });
const nightly = { cron: '0 3 * * *', timezone: 'UTC', paused: false, overlap: 'skip' } as const;

let temporal: TestTemporal;
let connection: Connection;
let reached: TemporalWorkflowClient;
let ground: DatabaseGround;
let repositories: Repositories;

beforeAll(async () => {
  [temporal, ground] = await Promise.all([startTemporal(), layDatabaseGround()]);
  connection = await Connection.connect({ address: temporal.address });
  await registerSearchAttributes(connection, temporal.namespace);
  reached = createTemporalWorkflowClient({ address: temporal.address, namespace: temporal.namespace, logger });
  repositories = createPostgresRepositories({
    url: ground.database.url,
    clock: ground.context.clock,
    ids: createIdMaker(),
    logger,
    secret: 'a-secret-of-the-tests-0123456789abcdef',
  });
}, 60_000);

afterAll(async () => {
  await reached.close();
  await connection.close();
  await repositories.close();
  await Promise.all([temporal.stop(), ground.end()]);
});

beforeEach(() => ground.context.db.execute(sql`delete from schedules`));

/** Stands for an API process that has just started and does not know what an earlier process did. */
function keeperOf(workflowClient: WorkflowClient, now?: string) {
  const clock = now === undefined ? ground.context.clock : { now: () => now };
  return createScheduleKeeper({ repositories, workflowClient, clock, logger });
}

const temporalHas = (name: string) => reached.scheduleDifference(ground.scope, name, nightly);
const absent = 'Temporal does not have the schedule';

test('a new API process sends Temporal the changes and removals that a dead one did not send', async () => {
  const { scope, by } = ground;
  const living = keeperOf(reached);
  for (const name of ['removed', 'changed', 'paused']) await living.put(scope, name, nightly, by);
  await expect.poll(() => reached.scheduleIds(), { timeout: 10_000 }).toHaveLength(3);

  const nobody = await freePort();
  const away = createTemporalWorkflowClient({ address: `127.0.0.1:${nobody}`, namespace: temporal.namespace, logger });
  const dying = keeperOf(away);
  await dying.remove(scope, 'removed', by);
  await dying.put(scope, 'changed', { ...nightly, cron: '0 4 * * *' }, by);
  await dying.put(scope, 'paused', { ...nightly, paused: true }, by);
  await dying.put(scope, 'made', nightly, by);
  await away.close();
  expect(await temporalHas('removed')).toBeUndefined();
  await expect(
    repositories.lifecycle.fire(scope, { schedule: 'removed', firedAt: '2026-11-30T03:00:00.000Z', by }),
  ).rejects.toMatchObject({ code: 'unproven' });

  await keeperOf(reached).catchUp();
  expect(await temporalHas('removed')).toBe(absent);
  expect(await reached.scheduleDifference(scope, 'changed', { ...nightly, cron: '0 4 * * *' })).toBeUndefined();
  expect(await reached.scheduleDifference(scope, 'paused', { ...nightly, paused: true })).toBeUndefined();
  expect(await temporalHas('made')).toBeUndefined();
}, 30_000);

test('the catch-up window that an older version set in Temporal is updated', async () => {
  const { scope, by } = ground;
  await keeperOf(reached).put(scope, 'older', nightly, by);
  const handle = new Client({ connection, namespace: temporal.namespace }).schedule.getHandle(
    `${scope.model}/${scope.environment}/schedule/older`,
  );
  await handle.update((before) => ({ ...before, policies: { ...before.policies, catchupWindow: '1 hour' } }));
  expect(await temporalHas('older')).toContain('missed firings');
  await keeperOf(reached).catchUp();
  expect(await temporalHas('older')).toBeUndefined();
});

test('a firing that Temporal missed is started once, and none is started if the schedule is paused or has fired', async () => {
  const { scope, by } = ground;
  for (const name of ['missed', 'fired', 'paused'])
    await repositories.schedules.put(scope, name, { ...nightly, paused: name === 'paused' }, by);
  await ground.context.db.execute(sql`
    update schedules set recorded_at = '2026-11-01', last_fired_at = case when name = 'fired' then timestamptz '2026-11-30 03:00Z' end`);
  const running = (name: string) =>
    reached.describe(`${scope.model}/${scope.environment}/schedule/${name}/fired-2026-11-30T03:00:00Z`);

  await keeperOf(reached, '2026-11-30T03:00:30.000Z').catchUp();
  expect(await running('missed')).toEqual({ state: 'absent' });
  for (let times = 0; times < 2; times += 1) await keeperOf(reached, '2026-11-30T09:00:00.000Z').catchUp();
  expect(await running('missed')).toEqual({ state: 'running' });
  expect(await running('fired')).toEqual({ state: 'absent' });
  expect(await running('paused')).toEqual({ state: 'absent' });
});

test('a firing that runs is not started twice, and one that failed is started again', async () => {
  const { scope } = ground;
  const at = '2026-11-01T03:00:00.000Z';
  const id = `${scope.model}/${scope.environment}/schedule/monthly/fired-2026-11-01T03:00:00Z`;
  await reached.fireSchedule(scope, 'monthly', at);
  await reached.fireSchedule(scope, 'monthly', at);
  expect(await reached.describe(id)).toEqual({ state: 'running' });
  await new Client({ connection, namespace: temporal.namespace }).workflow.getHandle(id).terminate();
  await reached.fireSchedule(scope, 'monthly', at);
  expect(await reached.describe(id)).toEqual({ state: 'running' });
});

test('Temporal matches the database row after two APIs change a schedule at once', async () => {
  const { scope, by } = ground;
  const writes = Promise.withResolvers<void>();
  const mayWrite = Promise.withResolvers<void>();
  const setSchedule: WorkflowClient['setSchedule'] = async (...given) => {
    writes.resolve();
    await mayWrite.promise;
    return reached.setSchedule(...given);
  };
  const slow: WorkflowClient = Object.assign(Object.create(reached), { setSchedule });
  const earlier = keeperOf(slow).put(scope, 'contended', { ...nightly, cron: '0 1 * * *' }, by);
  await writes.promise;
  // The later change overtakes the earlier one, whose write to Temporal therefore comes last.
  const later = { ...nightly, cron: '0 2 * * *' };
  await keeperOf(reached).put(scope, 'contended', later, by);
  mayWrite.resolve();
  await earlier;
  expect(await repositories.schedules.get(scope, 'contended')).toMatchObject(later);
  expect(await reached.scheduleDifference(scope, 'contended', later)).toBeUndefined();
});
