import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Approval } from '../../contracts/serving/approval.ts';
import { Collection } from '../../contracts/runs/collection.ts';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import { Generation } from '../../contracts/serving/deployment.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { Run } from '../../contracts/runs/run.ts';
import { Trigger } from '../../contracts/runs/trigger.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { tinyModel } from '../support/tiny-model.ts';

// The loop runs by itself. Tests what makes it act, what makes it wait, and which failures it survives.

const Triggers = z.object({
  items: z.array(Trigger),
  waits: z.array(z.object({ for: z.string(), until: z.string().nullable() })),
});
const Runs = z.object({ items: z.array(Run) });
const Approvals = z.object({ items: z.array(Approval) });
const Collected = z.object({ collection: Collection, blobs: z.array(z.object({ sha256: z.string() })) });

let stack: EmbeddedStack;
let loop: TinyModel;
let clocked: TinyModel;
beforeAll(async () => {
  stack = await startStackOfRun();
  // The schedule fires within a minute, while the other tests run.
  clocked = await tinyModel('clocked');
  await stack.json(z.unknown(), ['apply', '-f', clocked.file]);
  await stack.json(z.unknown(), ['schedule', 'set', 'minutely', '--cron', '* * * * *', '--model', 'clocked']);
  loop = await tinyModel('loop', (configuration) => ({
    ...configuration,
    monitor: { every: '1 day', minRows: 5, performance: { metric: 'rmse', max: 0.5 } },
    retrain: { on: ['new-data', 'performance'], debounce: '0s', cooldown: '0s' },
  }));
  await loop.data(rowsUntilNow());
  await stack.json(z.unknown(), ['apply', '-f', loop.file]);
  await stack.json(z.unknown(), ['code', 'snapshot', '-f', loop.file]);
});
afterAll(async () => {
  await stack?.end();
  await loop?.remove();
  await clocked?.remove();
});

const hourMs = 3_600_000;

/** Returns one row per hour. The last hour has just ended, because automated builds train on data up to now. */
function rowsUntilNow(): string {
  const last = Math.floor(Date.now() / hourMs) - 1;
  const rows = Array.from({ length: 240 }, (_, index) => {
    const at = new Date((last - 240 + index) * hourMs).toISOString().slice(0, 19).replace('T', ' ');
    const [temp, hum] = [index % 24, index % 7];
    return `${index},${at},${temp}.5,${hum}.25,${2 * (temp + 0.5) + hum + 0.25}`;
  });
  return ['id,at,temp,hum,cnt', ...rows, ''].join('\n');
}

const triggersOf = (model: string) => stack.get(Triggers, `/v1/models/${model}/triggers?limit=200`);
const runsOf = async (model: string, kind: string) =>
  (await stack.get(Runs, `/v1/runs?model=${model}&kind=${kind}&limit=200`)).items;

async function consumed(kind: string, model = 'loop'): Promise<z.infer<typeof Run>> {
  const runId = await until(
    `a ${kind} trigger of ${model} leads to a build`,
    async () => {
      const { items } = await triggersOf(model);
      return items.find((trigger) => trigger.kind === kind && trigger.status === 'consumed')?.runId ?? false;
    },
    90_000,
  );
  return until('the build is over', async () => {
    const run = await stack.get(Run, `/v1/runs/${runId}`);
    return run.state !== 'queued' && run.state !== 'running' && run;
  });
}

async function championOf(model: string): Promise<number | undefined> {
  const Deployments = z.object({ generation: Generation.nullable() });
  const { generation } = await stack.get(Deployments, `/v1/models/${model}/deployments`);
  return generation?.slots.find((slot) => slot.role === 'champion')?.modelVersionNumber;
}

function infer(id: string) {
  const input = (name: string, value: number) => ({ name, datatype: 'FP32', shape: [1], data: [value] });
  return fetch(`${stack.gateway}/v2/models/loop/infer`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.keys.operator}`, 'content-type': 'application/json' },
    body: JSON.stringify({ parameters: { prediction_ids: [id] }, inputs: [input('temp', 10), input('hum', 1)] }),
  });
}

test('new data triggers a build, a person approves, and the release is promoted', async () => {
  await stack.json(z.unknown(), ['data', 'ingest', '-f', loop.file]);
  const build = await consumed('new-data');
  expect(build).toMatchObject({ state: 'succeeded', because: 'new-data', outcome: { decision: 'candidate' } });
  const approval = await until('the candidate asks for approval', async () => {
    const { items } = await stack.get(Approvals, '/v1/approvals?model=loop&status=pending');
    return items[0] ?? false;
  });
  expect((await stack.perennial(['approve', approval.id, '--yes'])).code).toBe(0);
  // The run succeeds when the gateway has acknowledged the generation, some time after the generation exists.
  await until('it is promoted', async () => (await runsOf('loop', 'deploy'))[0]?.state === 'succeeded');
  expect(await championOf('loop')).toBe(1);
});

test('a finding of the monitor triggers a build', async () => {
  const ids = Array.from({ length: 10 }, (_, index) => `prediction-${index}`);
  for (const id of ids) expect((await infer(id)).status).toBe(200);
  // The model predicted 21, and the true value is 500.
  const labels = ids.map((id) => ({ id, value: 500 }));
  expect((await stack.request('POST', '/v1/models/loop/labels', labels)).status).toBeLessThan(300);
  const started = await stack.request('POST', '/v1/models/loop/reports', {});
  expect(started.status).toBe(202);
  const build = await consumed('performance');
  // The same rows and code give the same bytes, so there is nothing to promote.
  expect(build).toMatchObject({ state: 'succeeded', because: 'performance' });
});

test('a waiting build names what it waits for, and a changed configuration ends the wait', async () => {
  await applyLoop({ on: ['new-data'], debounce: '0s', cooldown: '1 day' });
  const before = (await runsOf('loop', 'build')).length;
  const trigger = { kind: 'new-data', reason: 'more came' };
  expect((await stack.request('POST', '/v1/models/loop/triggers', trigger)).status).toBe(202);
  const waits = await until('the trigger waits', async () => (await triggersOf('loop')).waits[0] ?? false, 20_000);
  expect(waits).toMatchObject({ for: 'cooldown' });
  const told = await stack.perennial(['triggers', '--model', 'loop']);
  expect(told.stdout).toContain('more came');
  expect(told.stderr).toContain('the next build waits for the end of the cooldown after the last build');
  expect(await runsOf('loop', 'build')).toHaveLength(before);
  await applyLoop({ on: ['new-data'], debounce: '0s', cooldown: '0s' });
  const none = async () => (await triggersOf('loop')).items.every((one) => one.status !== 'pending');
  await until('it is built for', none, 20_000);
  expect(await runsOf('loop', 'build')).toHaveLength(before + 1);
});

async function applyLoop(retrain: ConfigurationInput['retrain']): Promise<void> {
  let wanted: ConfigurationInput | undefined;
  await loop.configure((configuration) => (wanted = { ...configuration, retrain }));
  expect((await stack.request('PUT', '/v1/models/loop', wanted)).status).toBe(200);
}

test('triggers that arrive while Temporal is down are kept, and built later', async () => {
  const temporal = await stack.pidOf('temporal');
  if (temporal === undefined) throw new Error('Temporal is not running');
  const before = (await triggersOf('loop')).items.length;
  process.kill(temporal, 'SIGSTOP');
  try {
    const trigger = { kind: 'manual', reason: 'while Temporal was away' };
    const answers = await Promise.all([1, 2, 3].map(() => stack.request('POST', '/v1/models/loop/triggers', trigger)));
    expect(answers.map((answer) => answer.status)).toEqual([202, 202, 202]);
  } finally {
    process.kill(temporal, 'SIGCONT');
  }
  await until('all three are built for', async () => {
    const { items } = await triggersOf('loop');
    return items.length === before + 3 && items.slice(0, 3).every((one) => one.status === 'consumed');
  });
});

test('an archived model serves nothing and is not built, and after its restoration the last release serves again', async () => {
  const archived = await stack.perennial(['archive', 'loop', '--reason', 'closed', '--yes']);
  expect(archived.code, archived.stderr).toBe(0);
  await until('the gateway has let it go', async () => (await infer('late')).status !== 200);
  const refused = await stack.perennial(['trigger', '--model', 'loop']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('perennial restore loop');
  const restored = await stack.perennial(['restore', 'loop', '--reason', 'open again', '--yes']);
  expect(restored.code, restored.stderr).toBe(0);
  await until('the gateway has it again', async () => (await infer('again')).status === 200);
  expect(await championOf('loop')).toBe(1);
});

test('garbage is listed and then removed, and nothing that is needed is removed', async () => {
  const objects = join(stack.home, 'objects');
  const garbage = Buffer.from('nobody names these bytes');
  const sha256 = sha256OfBytes(garbage);
  await mkdir(join(objects, sha256.slice(0, 2)), { recursive: true });
  await writeFile(join(objects, sha256.slice(0, 2), sha256), garbage);
  const old = new Date(Date.now() - 90 * 24 * hourMs);
  for (const entry of await readdir(objects, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), old, old);
  await until('nothing is under way', async () => {
    const { items } = await stack.get(Runs, '/v1/runs?limit=200');
    return items.every((run) => run.state !== 'queued' && run.state !== 'running');
  });

  const foretold = await stack.json(Collected, ['gc', '--dry-run', '--limit', '200']);
  expect(foretold.blobs.map((blob) => blob.sha256)).toContain(sha256);
  expect((await stat(join(objects, sha256.slice(0, 2), sha256))).size).toBe(garbage.length);
  const done = await stack.json(Collected, ['gc', '--limit', '200']);
  expect(done.collection).toMatchObject({ state: 'succeeded', dryRun: false });
  await expect(stat(join(objects, sha256.slice(0, 2), sha256))).rejects.toThrow('ENOENT');

  // The serving artifact can still be loaded, and new builds still work.
  const artifact = await fetch(`${stack.api}/v1/models/loop/versions/1/artifact`, {
    headers: { authorization: `Bearer ${stack.keys.operator}` },
  });
  expect(artifact.status).toBe(200);
  const built = await stack.perennial(['build', '--model', 'loop', '--param', 'again=1']);
  expect(built.code, built.stderr).toBe(0);
});

test('a schedule set on the command line fires and leads to a build', async () => {
  const build = await consumed('schedule', 'clocked');
  expect(build.because).toBe('schedule');
  const paused = await stack.perennial(['schedule', 'pause', 'minutely', '--model', 'clocked']);
  expect(paused.code, paused.stderr).toBe(0);
  const Schedule = z.object({ paused: z.boolean(), nextRuns: z.array(z.string()) }).loose();
  expect(await stack.get(Schedule, '/v1/models/clocked/schedules/minutely')).toMatchObject({
    paused: true,
    nextRuns: [],
  });
}, 120_000);
