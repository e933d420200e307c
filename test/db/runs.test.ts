import { platformViewer } from '../../contracts/access/principal.ts';
import { eq } from '../../db/connection/orm.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLedgerRepository } from '../../db/ledger/ledger-repository.ts';
import { createRunRepository } from '../../db/runs/run-repository.ts';
import { runs } from '../../db/runs/run-tables.ts';
import { layDatabaseGround, queueBuild, type DatabaseGround } from './database-ground.ts';

let ground: DatabaseGround;

beforeAll(async () => {
  ground = await layDatabaseGround();
});

afterAll(() => ground?.end());

const failure = { code: 'training-failed', message: 'exit code 3', fields: {} };

test('a run goes from queued to running to its end, with the name of its model', async () => {
  const repository = createRunRepository(ground.context);
  const id = await queueBuild(ground);
  expect(await repository.get(id)).toMatchObject({
    state: 'queued',
    project: 'default',
    model: 'bike-demand',
    environment: 'production',
    workflowId: `bike-demand/production/build/${id}`,
    steps: [],
    progress: null,
  });
  const begun = await repository.begin(id);
  expect(begun).toMatchObject({ state: 'running' });
  expect(await repository.begin(id)).toEqual(begun);
  await repository.fail(id, failure);
  expect(await repository.get(id)).toMatchObject({ state: 'failed', failure });
});

test('the first end of a run is final', async () => {
  const repository = createRunRepository(ground.context);
  const id = await queueBuild(ground);
  await repository.begin(id);
  await repository.cancel(id, 'a rollback');
  const cancelled = await repository.get(id);
  await repository.fail(id, failure);
  await repository.resume(id);
  await repository.progress(id, 0.5, 'late');
  expect(await repository.begin(id)).toEqual(cancelled);
  const { items } = await createLedgerRepository(ground.context).list(
    platformViewer,
    { project: 'default', kind: 'run.cancelled' },
    { limit: 10 },
  );
  expect(items.filter((entry) => entry.subject.runId === id)).toHaveLength(1);
});

test('a build has one ledger entry, when it begins', async () => {
  const repository = createRunRepository(ground.context);
  const id = await queueBuild(ground);
  await Promise.all(Array.from({ length: 5 }, () => repository.begin(id)));
  const { items } = await createLedgerRepository(ground.context).list(
    platformViewer,
    { project: 'default', kind: 'build.started' },
    { limit: 100 },
  );
  expect(items.filter((entry) => entry.subject.runId === id)).toHaveLength(1);
});

test('the table accepts no failed run without its failure, and no end without a time', async () => {
  const { db } = ground.context;
  const id = await queueBuild(ground);
  await expect(
    db.update(runs).set({ state: 'failed', endedAt: new Date() }).where(eq(runs.id, id)),
  ).rejects.toMatchObject({ cause: { code: '23514', constraint: 'runs_state' } });
  await expect(db.update(runs).set({ state: 'failed', failure }).where(eq(runs.id, id))).rejects.toMatchObject({
    cause: { code: '23514', constraint: 'runs_state' },
  });
});

test('every attempt of a step is stored, and a repeated record is stored once', async () => {
  const repository = createRunRepository(ground.context);
  const id = await queueBuild(ground);
  const isolation = { kind: 'bubblewrap', reason: null, memory: 'polling', publicNetwork: null } as const;
  await repository.begin(id);
  await repository.step(id, { name: 'train', attempt: 1, state: 'running', isolation });
  await repository.step(id, { name: 'train', attempt: 1, state: 'running', isolation });
  await repository.step(id, { name: 'train', attempt: 1, state: 'failed', detail: 'worker died', isolation });
  await repository.step(id, { name: 'train', attempt: 2, state: 'succeeded', isolation });
  const { steps } = await repository.get(id);
  expect(steps).toMatchObject([
    { name: 'train', attempt: 1, state: 'failed', detail: 'worker died' },
    { name: 'train', attempt: 2, state: 'succeeded', detail: '', isolation },
  ]);
  expect(steps.every((step) => step.endedAt !== null)).toBe(true);
  await expect(
    repository.step(ground.context.ids.next(), { name: 'train', attempt: 1, state: 'running', isolation }),
  ).rejects.toMatchObject({ code: 'not-found' });
});

test('progress stays between 0 and 1, whatever the script reports', async () => {
  const repository = createRunRepository(ground.context);
  const id = await queueBuild(ground);
  await repository.begin(id);
  await repository.progress(id, 7, 'fitting');
  expect((await repository.get(id)).progress).toEqual({ fraction: 1, message: 'fitting' });
  await repository.progress(id, Number.NaN, 'fitting');
  expect((await repository.get(id)).progress).toEqual({ fraction: 0, message: 'fitting' });
});

test('log lines keep their order, and bytes that Postgres cannot store do not lose a line', async () => {
  const repository = createRunRepository(ground.context);
  const id = await queueBuild(ground);
  await repository.appendLogs(id, []);
  const lines = Array.from({ length: 2500 }, (_, i) => ({ stream: 'stdout' as const, line: `line ${i}` }));
  await repository.appendLogs(id, lines);
  await repository.appendLogs(id, [
    { stream: 'stderr', line: 'nul \u0000 half \ud800' },
    { stream: 'stdout', line: 'x'.repeat(20_000) },
  ]);
  const collected = [];
  for (let after = 0; ;) {
    const some = await repository.logs(id, after, 1000);
    if (some.length === 0) break;
    collected.push(...some);
    after = some.at(-1)!.sequence;
  }
  expect(collected.slice(0, 2500).map((line) => line.line)).toEqual(lines.map((line) => line.line));
  expect(collected[2500]).toMatchObject({ stream: 'stderr', line: 'nul \ufffd half \ufffd' });
  expect(collected[2501]!.line).toHaveLength(16_384 + '… (20000 characters)'.length);
});

test('a follower of the log misses no line of concurrent writers', async () => {
  const repository = createRunRepository(ground.context);
  const id = await queueBuild(ground);
  let writing = true;
  const writers = Promise.all(
    Array.from({ length: 8 }, async (_, writer) => {
      for (let i = 0; i < 20; i += 1) await repository.appendLogs(id, [{ stream: 'stdout', line: `${writer}/${i}` }]);
    }),
  ).finally(() => {
    writing = false;
  });
  const seen = [];
  for (let after = 0; ;) {
    const last = !writing;
    const some = await repository.logs(id, after, 1000);
    seen.push(...some);
    after = some.at(-1)?.sequence ?? after;
    if (last) break;
  }
  await writers;
  expect(seen).toHaveLength(160);
});

test('runs are listed by page, newest first, and filtered', async () => {
  const repository = createRunRepository(ground.context);
  const id = await queueBuild(ground);
  const whole = await repository.list(platformViewer, { project: 'default' }, { limit: 200 });
  expect(whole.items[0]!.id).toBe(id);
  const first = await repository.list(platformViewer, { project: 'default' }, { limit: 2 });
  const second = await repository.list(platformViewer, { project: 'default' }, { limit: 2, cursor: first.next });
  expect([...first.items, ...second.items].map((run) => run.id)).toEqual(whole.items.slice(0, 4).map((run) => run.id));
  expect(
    (
      await repository.list(
        platformViewer,
        { project: 'default', model: 'bike-demand', kind: 'build', state: 'queued' },
        { limit: 200 },
      )
    ).items.every((run) => run.state === 'queued'),
  ).toBe(true);
  expect(
    (await repository.list(platformViewer, { project: 'default', environment: 'staging' }, { limit: 5 })).items,
  ).toEqual([]);
  expect((await repository.unfinished(ground.scope)).at(-1)!.id).toBe(id);
});

test('the newest holder has the lease', async () => {
  const repository = createRunRepository(ground.context);
  const until = ground.context.clock.now();
  await repository.takeLease('train/1', 'first', until, ground.by);
  await repository.takeLease('train/1', 'second', until, ground.by);
  expect(await repository.holdsLease('train/1', 'first')).toBe(false);
  expect(await repository.holdsLease('train/1', 'second')).toBe(true);
});

test('an unknown run is `not-found`', async () => {
  const repository = createRunRepository(ground.context);
  await expect(repository.begin(ground.context.ids.next())).rejects.toMatchObject({ code: 'not-found' });
  await expect(repository.get(ground.context.ids.next())).rejects.toMatchObject({ code: 'not-found' });
});
