import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isFinal, Run } from '../../contracts/runs/run.ts';
import { until } from '../support/until.ts';
import type { CaseGround, CaseModel } from './case-ground.ts';
import { layCaseGround, outcomeOfRun } from './case-ground.ts';

let ground: CaseGround;
beforeAll(async () => {
  ground = await layCaseGround();
});
afterAll(() => ground?.end());

const Applied = z.looseObject({
  configuration: z.looseObject({ number: z.number() }).nullable(),
  environment: z.looseObject({ codeVersionId: z.string().nullable() }),
});

async function appliedTo({
  name,
}: CaseModel): Promise<{ configuration: number | null; code: string | null } | 'absent'> {
  const { status, body } = await ground.stack.request('GET', `/v1/models/${name}`, undefined);
  if (status === 404) return 'absent';
  const { configuration, environment } = Applied.parse(body);
  return { configuration: configuration?.number ?? null, code: environment.codeVersionId };
}

describe('apply is all or nothing', () => {
  test('an input that cannot be read on this machine leaves the first configuration unapplied', async () => {
    const model = await ground.model('first');
    await model.configure({ code: { path: 'not-there', command: ['sh', 'train.sh'] } });
    const missing = await model.apply();
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toMatch(/nothing was applied: code\.path is not-there, but \S+not-there does not exist;/);
    expect(missing.stderr.trim().split('\n')).toHaveLength(1);
    await model.configure({ code: { path: 'train', command: ['sh', 'train.sh'] } });
    await rm(join(model.files.folder, 'train'), { recursive: true });
    expect((await model.apply()).code).toBe(2);
    await writeFile(join(model.files.folder, 'train'), 'a file');
    expect((await model.apply()).stderr).toMatch(/nothing was applied: .* is not a folder/);
    expect(await appliedTo(model)).toBe('absent');
  });

  test('code that a worker refuses leaves the configuration and the code unchanged', async () => {
    const model = await ground.model('second');
    const first = await model.apply();
    expect(first.code, first.stderr).toBe(0);
    const before = await appliedTo(model);
    expect(before).toMatchObject({ configuration: 1, code: expect.any(String) });
    await model.files.code('exit 1');
    await model.configure({
      owner: 'another-team',
      code: { path: 'train', command: ['sh', 'train.sh'], environment: 'requirements.lock' },
    });
    const refused = await model.apply();
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /nothing was applied: .*code\.environment names requirements\.lock, but the code has no such file/,
    );
    expect(await appliedTo(model)).toEqual(before);

    await writeFile(join(model.files.folder, 'train', 'requirements.lock'), '');
    await model.configure({ code: { path: 'train', command: ['sh', 'train.sh'] } });
    const again = await ground.cli('apply', '-f', model.files.file, '--json');
    expect(again.code, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ configuration: { number: 2 }, code: { number: 2 } });
    const after = await appliedTo(model);
    expect(after).toMatchObject({ configuration: 2 });
    expect(after).not.toEqual({ ...Object(before), configuration: 2 });
  });

  test('first code that a worker refuses leaves no model, and does not decide its task', async () => {
    const command = ['sh', 'train.sh'];
    const model = await ground.model('unborn', { code: { path: 'train', command, environment: 'requirements.lock' } });
    expect((await model.apply()).stderr).toMatch(
      /nothing was applied: .*code\.environment names requirements\.lock, but the code has no such file/,
    );
    const { body } = await ground.stack.request('GET', '/v1/models', undefined);
    expect(JSON.stringify(body)).not.toContain('unborn');
    await model.configure({ task: 'binary', build: { metric: 'accuracy' }, code: { path: 'train', command } });
    const applied = await model.apply();
    expect(applied.code, applied.stderr).toBe(0);
    const now = await ground.stack.request('GET', '/v1/models', undefined);
    expect(now.body).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ name: 'unborn', task: 'binary' })]),
    });
  });

  test('a server that refuses the configuration does not store the code either', async () => {
    const model = await ground.model('third');
    expect((await model.apply()).code).toBe(0);
    const before = await appliedTo(model);
    await model.configure({ task: 'binary', build: { metric: 'accuracy' } });
    await model.files.code('exit 2');
    const refused = await model.apply();
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/the task of a model cannot change/);
    expect(await appliedTo(model)).toEqual(before);
  });

  test('the ledger has one entry for the configuration and one for the code, however often they are applied', async () => {
    const model = await ground.model('fourth');
    for (let time = 0; time < 2; time += 1) expect((await model.apply()).code).toBe(0);
    const { body } = await ground.stack.request('GET', '/v1/ledger?model=fourth', undefined);
    const { items } = z.looseObject({ items: z.array(z.looseObject({ kind: z.string() })) }).parse(body);
    const kinds = items.map(({ kind }) => kind).filter((kind) => !kind.startsWith('trigger.'));
    expect(kinds.toSorted()).toEqual(['code.committed', 'model.applied']);
  });
});

test('a run that staged no code cannot be applied', async () => {
  const model = await ground.model('fifth');
  await model.apply();
  const data = await model.ingest({ name: 'rows.csv', content: 'id,x,y\n1,2,3\n' });
  outcomeOfRun(data);
  const refused = await ground.stack.request('PUT', `/v1/models/fifth?codeRun=${data.id}`, {
    schemaVersion: 1,
    name: 'fifth',
    task: 'regression',
    owner: 'test',
    data: { source: { path: 'rows.csv' }, key: 'id', target: 'y', features: ['x'] },
    code: { path: 'train', command: ['sh', 'train.sh'] },
    build: { holdout: { fraction: 0.1, by: 'id' } },
  });
  expect(refused).toMatchObject({ status: 409, body: { code: 'conflict', detail: expect.stringContaining(data.id) } });
});

function ended(runId: string): Promise<Run> {
  return until(`run ${runId} ends`, async () => {
    const run = await ground.stack.get(Run, `/v1/runs/${runId}`);
    return isFinal(run.state) ? run : undefined;
  });
}

describe('a command with --detach returns at once', () => {
  test('for build, for deploy without votes during its bake, and for rollback', async () => {
    const model = await ground.model('detached');
    await model.configure({
      deploy: { approval: { votes: 0 }, strategy: { canary: [50, 100], minRequests: 0, bake: '1h' } },
    });
    await model.apply();
    const rows = Array.from({ length: 50 }, (_, id) => `${id},${id},${id}`).join('\n');
    outcomeOfRun(await model.ingest({ name: 'rows.csv', content: `id,x,y\n${rows}\n` }));

    const building = await ground.cli('build', '-m', 'detached', '--detach', '--json');
    expect(building.code, building.stderr).toBe(0);
    const build = Run.parse(JSON.parse(building.stdout));
    expect(['queued', 'running']).toContain(build.state);
    expect(building.stderr).toContain(`perennial runs watch ${build.id}`);
    outcomeOfRun(await ended(build.id));
    outcomeOfRun(await model.build({ params: { again: 1 } }));
    expect(outcomeOfRun(await model.deploy(1))).toMatchObject({ decision: 'promoted' });

    const deploying = await ground.cli('deploy', '2', '-m', 'detached', '--yes', '--detach', '--json');
    expect(deploying.code, deploying.stderr).toBe(0);
    expect(Run.parse(JSON.parse(deploying.stdout)).state).toBe('running');
    const Slots = z.looseObject({ generation: z.looseObject({ slots: z.array(z.looseObject({ role: z.string() })) }) });
    await until('the canary serves', async () => {
      const { generation } = await ground.stack.get(Slots, '/v1/models/detached/deployments');
      return generation.slots.some(({ role }) => role === 'canary') ? true : undefined;
    });
    const back = await ground.cli('rollback', '-m', 'detached', '--reason', 'a test', '--yes', '--detach', '--json');
    expect(back.code, back.stderr).toBe(0);
    await ended(Run.parse(JSON.parse(back.stdout)).id);
  });
});

describe('a zone by any name that the runtime knows', () => {
  test.each([
    ['Asia/Kolkata', '2026-03-28T21:00:00.000Z'],
    ['Europe/Kyiv', '2026-03-29T00:30:00.000Z'],
    ['US/Eastern', '2026-03-29T06:30:00.000Z'],
    ['Etc/UTC', '2026-03-29T02:30:00.000Z'],
  ])('is used to read times without an offset: %s', async (timezone, instant) => {
    const model = await ground.model(`zone-${timezone.replaceAll(/\W/g, '-').toLowerCase()}`, {
      data: { timezone, timestamp: 'at' },
    });
    const applied = await ground.cli('apply', '-f', model.files.file, '--no-code');
    expect(applied.code, applied.stderr).toBe(0);
    outcomeOfRun(await model.ingest({ name: 'rows.csv', content: 'id,at,x,y\n1,2026-03-29 02:30:00,2,3\n' }));
    expect((await model.dataset()).manifest.parts).toMatchObject([{ from: instant, to: instant }]);
  });

  test.each(['Asia/Kolkata', 'Europe/Kyiv', 'America/Argentina/Buenos_Aires', 'Etc/UTC', 'GMT', 'US/Eastern'])(
    'is accepted in a schedule and a configuration: %s',
    async (timezone) => {
      const model = await ground.model('scheduled', { data: { timezone, timestamp: 'at' } });
      const applied = await ground.cli('apply', '-f', model.files.file, '--no-code');
      expect(applied.code, applied.stderr).toBe(0);
      const cron = ['--cron', '0 3 * * *', '--timezone', timezone];
      const set = await ground.cli('schedule', 'set', 'nightly', ...cron, '-m', 'scheduled', '--json');
      expect(set.code, set.stderr).toBe(0);
      const { nextRuns } = z.looseObject({ nextRuns: z.array(z.string()) }).parse(JSON.parse(set.stdout));
      const hours = nextRuns.map((at) => new Date(at).toLocaleTimeString('sv', { timeZone: timezone }));
      expect(new Set(hours)).toEqual(new Set(['03:00:00']));
    },
  );

  test('is refused if unknown, with the nearest name; an offset is refused with the zone for it', async () => {
    const model = await ground.model('no-zone', { data: { timezone: 'Asia/Kolkatta' } });
    expect((await model.apply()).stderr).toMatch(/data\.timezone.*did you mean Asia\/Kolkata\?/);
    const other = await ground.model('offset');
    await ground.cli('apply', '-f', other.files.file, '--no-code');
    const cron = ['--cron', '0 3 * * *', '--timezone', '+02:00'];
    const set = await ground.cli('schedule', 'set', 'nightly', ...cron, '-m', 'offset');
    expect(set.stderr).toMatch(/"\+02:00" is an offset and not a time zone.*Etc\/GMT-2/);
  });
});
