import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ScheduleInput } from '../../contracts/runs/schedule.ts';
import type { RepositoryContext } from '../../db/connection/repository-context.ts';
import { sql } from '../../db/connection/orm.ts';
import { createLifecycleRepository } from '../../db/lifecycle/lifecycle-repository.ts';
import { createScheduleRepository } from '../../db/schedules/schedule-repository.ts';
import type { DatabaseGround } from './database-ground.ts';
import { layDatabaseGround } from './database-ground.ts';

let ground: DatabaseGround;
beforeAll(async () => {
  ground = await layDatabaseGround();
});
afterAll(() => ground?.end());

const refused = { code: 'unproven' };

/** Makes a schedule that was set long before these tests' instants, and lifecycles that read the given clock. */
async function scheduled(name: string, cron: string, more: Partial<ScheduleInput> = {}) {
  const { context, scope, by } = ground;
  const schedules = createScheduleRepository(context);
  await schedules.put(scope, name, { cron, timezone: 'UTC', paused: false, overlap: 'skip', ...more }, by);
  await context.db.execute(sql`update schedules set recorded_at = '2020-01-01' where name = ${name}`);
  const at = (now: string): RepositoryContext => ({ ...context, clock: { now: () => now } });
  const fire = (firedAt: string, now = firedAt) =>
    createLifecycleRepository(at(now)).fire(scope, { schedule: name, firedAt, by });
  return { fire, schedules };
}

async function triggersOf(name: string): Promise<unknown[]> {
  const { rows } = await ground.context.db.execute<{ reason: string }>(
    sql`select body ->> 'reason' as reason from commands where body ->> 'fingerprint' like ${`${name} at %`} order by id`,
  );
  return rows.map(({ reason }) => reason);
}

test('a monthly firing that was missed for days is made up once, and its reason states the delay', async () => {
  const { fire, schedules } = await scheduled('monthly', '0 3 1 * *');
  const due = '2026-11-01T03:00:00.000Z';
  const first = await fire(due, '2026-11-04T05:10:00.000Z');
  expect(await fire(due, '2026-11-04T05:40:00.000Z')).toEqual(first);
  expect(await triggersOf('monthly')).toEqual([`schedule monthly, due at ${due} and made up 3 days 2 hours late`]);
  expect(await schedules.get(ground.scope, 'monthly')).toMatchObject({ lastFiredAt: due });
});

test('only the latest of many missed firings is made up', async () => {
  const { fire } = await scheduled('often', '*/5 * * * *');
  const now = '2026-11-30T12:02:00.000Z';
  await expect(fire('2026-11-29T12:00:00.000Z', now)).rejects.toMatchObject(refused);
  await fire('2026-11-30T12:00:00.000Z', now);
  await expect(fire('2026-11-30T11:55:00.000Z', now)).rejects.toMatchObject(refused);
  expect(await triggersOf('often')).toEqual(['schedule often']);
});

test('a missed firing starts nothing if its schedule was removed, paused, changed or set since', async () => {
  const { fire, schedules } = await scheduled('changing', '0 3 * * *');
  const { scope, by } = ground;
  const due = '2026-11-30T03:00:00.000Z';
  const set = { cron: '0 3 * * *', timezone: 'UTC', paused: false, overlap: 'skip' } as const;
  await schedules.put(scope, 'changing', { ...set, paused: true }, by);
  await expect(fire(due)).rejects.toMatchObject({ ...refused, message: expect.stringContaining('it is paused') });
  await schedules.put(scope, 'changing', { ...set, cron: '0 4 * * *' }, by);
  await ground.context.db.execute(sql`update schedules set recorded_at = '2020-01-01' where name = 'changing'`);
  await expect(fire(due)).rejects.toMatchObject({ ...refused, message: expect.stringContaining('0 4 * * *') });
  await ground.context.db.execute(
    sql`update schedules set recorded_at = '2026-12-01', cron = '0 3 * * *' where name = 'changing'`,
  );
  await expect(fire(due)).rejects.toMatchObject({ ...refused, message: expect.stringContaining('it was set after') });
  await schedules.remove(scope, 'changing', by);
  await expect(fire(due)).rejects.toMatchObject({ ...refused, message: expect.stringContaining('no such schedule') });
  expect(await triggersOf('changing')).toEqual([]);
});

test('a daily schedule fires once on the day of a clock change', async () => {
  const timezone = 'America/New_York';
  const { fire } = await scheduled('skipped', '30 2 * * *', { timezone });
  // On 14 March 2027 the clock goes from 2:00 EST to 3:00 EDT, on 7 November from 2:00 EDT to 1:00 EST.
  await fire('2027-03-14T07:30:00.000Z');
  await expect(fire('2027-03-14T06:30:00.000Z', '2027-03-14T06:30:00.000Z')).rejects.toMatchObject(refused);
  const { fire: fireRepeated } = await scheduled('repeated', '30 1 * * *', { timezone });
  await fireRepeated('2027-11-07T05:30:00.000Z');
  await expect(fireRepeated('2027-11-07T06:30:00.000Z')).rejects.toMatchObject(refused);
  expect(await triggersOf('skipped')).toHaveLength(1);
  expect(await triggersOf('repeated')).toHaveLength(1);
});

test('one firing that is reported twice at once makes one trigger', async () => {
  const { fire } = await scheduled('raced', '0 3 * * *');
  const due = '2026-11-30T03:00:00.000Z';
  const told = await Promise.all(Array.from({ length: 10 }, (_, late) => fire(due, `2026-11-30T03:0${late}:30.000Z`)));
  expect(new Set(told.map(({ id }) => id)).size).toBe(1);
});
