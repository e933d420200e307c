import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Run } from '../../contracts/runs/run.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { tinyModel } from '../support/tiny-model.ts';

// Different kinds of machines have separate training queues. This stack's worker trains only for `train-gpu`.

const asOf = '2026-01-11T00:00:00Z';
let stack: EmbeddedStack;
const models: TinyModel[] = [];
beforeAll(async () => {
  stack = await startStackOfRun({ PERENNIAL_TRAIN_QUEUES: 'train-gpu' });
});
afterAll(async () => {
  await stack?.end();
  for (const model of models) await model.remove();
});

async function modelOn(name: string, queue: string): Promise<void> {
  const model = await tinyModel(name, (configuration) => ({
    ...configuration,
    build: { ...configuration.build, resources: { queue } },
  }));
  models.push(model);
  await stack.json(z.unknown(), ['apply', '-f', model.file]);
  await stack.json(z.unknown(), ['data', 'ingest', '-f', model.file]);
}

test('a build runs on the workers of the queue that its configuration names', async () => {
  await modelOn('wants-gpu', 'train-gpu');
  const built = await stack.perennial(['build', '-m', 'wants-gpu', '--as-of', asOf]);
  expect(built.code, built.stderr).toBe(0);
});

test('a build for a queue without workers waits, names the queue, and can be cancelled', async () => {
  await modelOn('wants-other', 'train-large');
  const started = await stack.request('POST', '/v1/models/wants-other/builds', { asOf });
  const { run } = z.object({ run: Run }).loose().parse(started.body);
  await until('it says what it waits for', async () => {
    const { progress } = await stack.get(Run, `/v1/runs/${run.id}`);
    return progress?.message === 'waits for a worker of the queue train-large';
  });
  const cancelled = await stack.perennial(['runs', 'cancel', run.id, '--reason', 'no such machine']);
  expect(cancelled.code, cancelled.stderr).toBe(0);
  await until('it is cancelled', async () => (await stack.get(Run, `/v1/runs/${run.id}`)).state === 'cancelled');
});
