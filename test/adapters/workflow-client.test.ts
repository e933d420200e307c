import { Client, Connection, ScheduleNotFoundError } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import { createLogger } from '../../adapters/logger/pino.ts';
import { coalescedCalls } from '../../adapters/workflow-client/coalesced-calls.ts';
import {
  createTemporalWorkflowClient,
  registerSearchAttributes,
} from '../../adapters/workflow-client/temporal-workflow-client.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { lifecycleWorkflowId, scheduleId, workflowQueue } from '../../contracts/runs/workflows.ts';
import type { TestTemporal } from '../support/temporal-of-tests.ts';
import { startTemporal } from '../support/temporal-of-tests.ts';
import type { Seen } from './stand-in-lifecycle.ts';

const ids = createIdMaker();
const logger = createLogger({ name: 'test', level: 'silent' });

function scopeOf(model: string): Scope {
  return { project: 'default', model, modelId: ids.next(), environment: 'production' };
}

/** Returns the day of the month of its nth Sunday. */
function nthSunday(year: number, month: number, nth: number): number {
  const first = new Date(Date.UTC(year, month - 1, 1)).getUTCDay();
  return 1 + ((7 - first) % 7) + 7 * (nth - 1);
}

describe('the Temporal client, against a dev server', () => {
  let temporal: TestTemporal;
  let connection: Connection;
  let native: NativeConnection;
  let worker: Worker;
  let polling: Promise<void>;
  let client: ReturnType<typeof createTemporalWorkflowClient>;

  beforeAll(async () => {
    temporal = await startTemporal();
    connection = await Connection.connect({ address: temporal.address });
    await Promise.all([
      registerSearchAttributes(connection, temporal.namespace),
      registerSearchAttributes(connection, temporal.namespace),
    ]);
    native = await NativeConnection.connect({ address: temporal.address });
    worker = await Worker.create({
      connection: native,
      namespace: temporal.namespace,
      taskQueue: workflowQueue,
      workflowsPath: fileURLToPath(new URL('./stand-in-lifecycle.ts', import.meta.url)),
    });
    polling = worker.run();
    client = createTemporalWorkflowClient({ address: temporal.address, namespace: temporal.namespace, logger });
  }, 60_000);

  afterAll(async () => {
    await client.close();
    worker.shutdown();
    await polling;
    await native.close();
    await connection.close();
    await temporal.stop();
  });

  const foreign = () => new Client({ connection, namespace: temporal.namespace });
  const described = (scope: Scope) => foreign().schedule.getHandle(scheduleId(scope, 'retrain')).describe();
  /** Returns the times at which Temporal will fire the schedule `retrain`. */
  const firings = async (scope: Scope) =>
    (await described(scope)).info.nextActionTimes.map((time) => time.toISOString());

  async function seen(scope: Scope): Promise<Seen> {
    return foreign().workflow.getHandle(lifecycleWorkflowId(scope)).query('seen');
  }

  test('the search attributes exist, and registering them again has no effect', async () => {
    await registerSearchAttributes(connection, temporal.namespace);
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: temporal.namespace,
    });
    expect(Object.keys(customAttributes)).toEqual(
      expect.arrayContaining(['PerennialModel', 'PerennialTrigger', 'PerennialRelease']),
    );
  });

  test('advance starts the lifecycle once and then updates the one that runs', async () => {
    const scope = scopeOf('started-once');
    await client.advance(scope);
    await client.advance(scope);
    expect(await seen(scope)).toMatchObject({
      advanced: 2,
      input: { schemaVersion: 1, scope },
      attributes: { PerennialModel: ['started-once'] },
    });
  });

  test('fifty concurrent callers need few updates, and each is answered', async () => {
    const scope = scopeOf('crowded');
    await Promise.all(Array.from({ length: 50 }, () => client.advance(scope)));
    expect((await seen(scope)).advanced).toBeLessThanOrEqual(2);
  });

  test('the lifecycle is readable in the Temporal UI', async () => {
    const scope = scopeOf('readable');
    await client.advance(scope);
    const description = await new Client({ connection, namespace: temporal.namespace }).workflow
      .getHandle('readable/production/lifecycle')
      .describe();
    expect(await description.staticSummary()).toBe('lifecycle of readable in production');
    expect(await description.staticDetails()).toContain('**readable**');
  });

  test('a nudge reaches a running workflow, and a nudge to an unknown one is no error', async () => {
    const scope = scopeOf('nudged');
    await client.advance(scope);
    await client.nudge(lifecycleWorkflowId(scope));
    await expect.poll(async () => (await seen(scope)).nudged).toBe(1);
    await client.nudge('nobody/production/lifecycle');
    await client.cancel('nobody/production/lifecycle');
  });

  test('a workflow is running, then closed after its cancellation, and an unknown one is absent', async () => {
    const scope = scopeOf('described');
    const id = lifecycleWorkflowId(scope);
    await client.advance(scope);
    expect(await client.describe(id)).toEqual({ state: 'running' });
    await client.cancel(id);
    await expect.poll(() => client.describe(id), { timeout: 5_000 }).toEqual({ state: 'closed', status: 'CANCELLED' });
    await client.nudge(id);
    expect(await client.describe('absent/production/lifecycle')).toEqual({ state: 'absent' });
  });

  test.each([
    '0 3 1 * *',
    '*/15 8-17 * * mon-fri',
    '5/20 0 1,15 jan,jul *',
    '0 0 * * 7',
    '30 4 * * 1-5/2',
    '0 5 * * 5/1',
    '0 6 1 * MON',
  ])('Temporal stores the schedule "%s" as it was set, and reports it', async (cron) => {
    const scope = scopeOf('compared');
    const schedule = { cron, timezone: 'Europe/Berlin', paused: false, overlap: 'skip' } as const;
    await client.setSchedule(scope, 'nightly', schedule);
    expect(await client.scheduleDifference(scope, 'nightly', schedule)).toBeUndefined();
    const other = { ...schedule, cron: '7 7 7 7 *' };
    expect(await client.scheduleDifference(scope, 'nightly', other)).toContain('at other times');
  });

  test('the difference of a schedule is reported, and a schedule without a row is listed and removed', async () => {
    const scope = scopeOf('differs');
    const schedule = { cron: '0 3 * * *', timezone: 'UTC', paused: false, overlap: 'skip' } as const;
    expect(await client.scheduleDifference(scope, 'nightly', schedule)).toBe('Temporal does not have the schedule');
    await client.setSchedule(scope, 'nightly', schedule);
    expect(await client.scheduleDifference(scope, 'nightly', schedule)).toBeUndefined();
    for (const [change, said] of [
      [{ timezone: 'Asia/Tokyo' }, ', not in Asia/Tokyo'],
      [{ paused: true }, 'in Temporal the schedule is running'],
      [{ overlap: 'allow-all' as const }, 'treats overlaps as SKIP'],
    ] as const)
      expect(await client.scheduleDifference(scope, 'nightly', { ...schedule, ...change })).toContain(said);
    const id = 'differs/production/schedule/nightly';
    await expect.poll(() => client.scheduleIds(), { timeout: 10_000 }).toContain(id);
    await client.removeScheduleById(id);
    await client.removeScheduleById(id);
    expect(await client.scheduleDifference(scope, 'nightly', schedule)).toBe('Temporal does not have the schedule');
  });

  test('a schedule is set, changed and removed, and reports its next firing in its zone', async () => {
    const scope = scopeOf('scheduled');
    const schedule = { cron: '0 3 1 * *', timezone: 'America/New_York', paused: false, overlap: 'skip' } as const;
    await client.setSchedule(scope, 'retrain', schedule);
    const [first] = await firings(scope);
    expect(new Date(first ?? 0).toLocaleString('sv', { timeZone: 'America/New_York' })).toMatch(/-01 03:00:00$/);
    await client.setSchedule(scope, 'retrain', {
      ...schedule,
      cron: '30 4 * * *',
      timezone: 'UTC',
      overlap: 'buffer-one',
    });
    expect((await firings(scope))[0]).toMatch(/T04:30:00\.000Z$/);
    await client.setSchedule(scope, 'retrain', { ...schedule, paused: true });
    expect((await described(scope)).state.paused).toBe(true);
    await client.removeSchedule(scope, 'retrain');
    await client.removeSchedule(scope, 'retrain');
    await expect(described(scope)).rejects.toBeInstanceOf(ScheduleNotFoundError);
  });

  // Tests a few names only. Temporal has been checked once with every zone of Intl.supportedValuesOf, which takes half
  // a minute.
  test('a schedule accepts a zone by any of its names', async () => {
    const scope = scopeOf('zones');
    const schedule = { cron: '0 3 * * *', paused: false, overlap: 'skip' } as const;
    for (const timezone of [
      'Europe/Kyiv',
      'Etc/UTC',
      'GMT',
      'US/Eastern',
      'Etc/GMT+5',
      'europe/berlin',
      'Asia/Kolkata',
    ]) {
      await client.setSchedule(scope, 'retrain', { ...schedule, timezone });
      expect(await client.scheduleDifference(scope, 'retrain', { ...schedule, timezone })).toBeUndefined();
    }
    expect((await firings(scope))[0]).toMatch(/T21:30:00\.000Z$/);
    await client.removeSchedule(scope, 'retrain');
  });

  test('Temporal skips a local time that the clock skips and fires twice at a repeated one, so the row must decide', async () => {
    const scope = scopeOf('clock-changes');
    const timezone = 'America/New_York';
    const set = (cron: string) =>
      client.setSchedule(scope, 'retrain', { cron, timezone, paused: false, overlap: 'skip' });
    const year = new Date().getUTCFullYear() + 1;
    const sunday = (month: number, nth: number) => nthSunday(year, month, nth);
    await set(`30 2 ${sunday(3, 2)} 3 *`);
    expect((await firings(scope)).filter((at) => at.startsWith(String(year)))).toEqual([]);
    await set(`30 1 ${sunday(11, 1)} 11 *`);
    expect((await firings(scope)).filter((at) => at.startsWith(String(year)))).toHaveLength(2);
    await client.removeSchedule(scope, 'retrain');
  });

  test('the schedules of other applications in the namespace are ignored', async () => {
    const theirs = await foreign().schedule.create({
      scheduleId: 'team/pipeline/schedule/nightly',
      spec: { cronExpressions: ['0 3 1 1 *'] },
      action: { type: 'startWorkflow', workflowType: 'theirs', taskQueue: 'theirs' },
    });
    const listed = async () => {
      const found: string[] = [];
      for await (const listedOne of foreign().schedule.list()) found.push(listedOne.scheduleId);
      return found;
    };
    await expect.poll(listed, { timeout: 10_000 }).toContain(theirs.scheduleId);
    expect(await client.scheduleIds()).not.toContain(theirs.scheduleId);
    await theirs.delete();
  });

  test('an invalid cron line or zone is the caller’s mistake, not an outage', async () => {
    const scope = scopeOf('bad-cron');
    await expect(
      client.setSchedule(scope, 'retrain', {
        cron: 'whenever it suits',
        timezone: 'UTC',
        paused: false,
        overlap: 'skip',
      }),
    ).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining('whenever it suits') });
    await client.setSchedule(scope, 'known', { cron: '0 3 * * *', timezone: 'UTC', paused: false, overlap: 'skip' });
    await expect(
      client.setSchedule(scope, 'known', { cron: '0 99 * * *', timezone: 'UTC', paused: false, overlap: 'skip' }),
    ).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(
      client.setSchedule(scope, 'retrain', {
        cron: '0 3 * * *',
        timezone: 'Mars/Base',
        paused: false,
        overlap: 'skip',
      }),
    ).rejects.toMatchObject({ code: 'invalid-request' });
  });

  test('check succeeds', async () => {
    await client.check();
  });
});

test('without Temporal every call is temporal-unavailable within its deadline', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await new Promise((resolve) => server.close(resolve));
  const client = createTemporalWorkflowClient({ address: `127.0.0.1:${port}`, namespace: 'default', logger });
  const began = Date.now();
  const outcomes = await Promise.allSettled([
    client.check(),
    client.nudge('x'),
    client.advance(scopeOf('away')),
    client.fireSchedule(scopeOf('away'), 'x', '2026-11-01T03:00:00.000Z'),
  ]);
  for (const outcome of outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'temporal-unavailable' } });
  expect(Date.now() - began).toBeLessThan(8_000);
  await client.close();
}, 20_000);

describe('coalesced calls', () => {
  test('a caller that arrives during a call gets a later one', async () => {
    let begun = 0;
    const finish: (() => void)[] = [];
    const call = coalescedCalls<string>(
      (key) => key,
      () =>
        new Promise((resolve) => {
          begun += 1;
          finish.push(resolve);
        }),
    );
    const first = call('a');
    const second = call('a');
    const third = call('a');
    const other = call('b');
    expect(begun).toBe(2);
    finish.forEach((resolve) => resolve());
    await Promise.all([first, other]);
    await expect.poll(() => begun).toBe(3);
    finish.at(-1)?.();
    await Promise.all([second, third]);
    expect(begun).toBe(3);
  });

  test('a failed call fails only its own callers', async () => {
    let calls = 0;
    const call = coalescedCalls<string>(
      (key) => key,
      async () => {
        calls += 1;
        if (calls === 1) throw new Error('away');
      },
    );
    const first = call('a');
    const second = call('a');
    await expect(first).rejects.toThrow('away');
    await second;
    await call('a');
    expect(calls).toBe(3);
  });
});
