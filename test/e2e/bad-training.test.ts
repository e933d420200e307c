import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { Run } from '../../contracts/runs/run.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';
import { linearModel, logarithmModel } from '../support/onnx-models.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { goodModel, tinyModel } from '../support/tiny-model.ts';

// Training scripts that fail, through the whole stack: the run fails with a code and a way out, and no version is
// created.

/** The model of the failing scripts. Its rows are ingested once, and it never has a version. */
const name = 'bad';
let stack: EmbeddedStack;
let model: TinyModel;
beforeAll(async () => {
  stack = await startStackOfRun();
  const first = await tinyModel(name);
  await ingest(first);
  await first.remove();
});
afterAll(() => stack?.end());
beforeEach(async () => {
  model = await tinyModel(name);
});
afterEach(() => model.remove());

/** Gives the test a separate model without rows. */
async function use(other: string): Promise<void> {
  await model.remove();
  model = await tinyModel(other);
}

async function ingest({ file }: TinyModel): Promise<void> {
  await stack.json(z.unknown(), ['apply', '-f', file]);
  await stack.json(z.unknown(), ['data', 'ingest', '-f', file]);
}

async function build(of = name): Promise<z.infer<typeof Run>> {
  await stack.json(z.unknown(), ['apply', '-f', model.file]);
  const { code, stderr } = await stack.perennial(['build', '--model', of, '--as-of', '2026-01-11T00:00:00Z']);
  const { items } = await stack.get(
    z.object({ items: z.array(Run) }).loose(),
    `/v1/runs?model=${of}&kind=build&limit=1`,
  );
  const run = items[0];
  if (run === undefined) throw new Error(`no build ran: ${stderr}`);
  expect(code, stderr).toBe(run.state === 'succeeded' ? 0 : 1);
  return run;
}

async function failureOfBuild(of = name): Promise<{ readonly code: string; readonly message: string }> {
  const run = await build(of);
  const { items } = await stack.get(z.object({ items: z.array(z.unknown()) }).loose(), `/v1/models/${of}/versions`);
  expect(items).toEqual([]);
  if (run.state !== 'failed') throw new Error(`the build ${run.state}`);
  return run.failure;
}

test('a good script makes a candidate, so that the other scripts fail for their own reasons', async () => {
  await use('good');
  await ingest(model);
  const run = await build('good');
  expect(run).toMatchObject({ state: 'succeeded', outcome: { kind: 'build', decision: 'candidate' } });
});

test('a script that exits with 3 fails the build with its exit code and last lines', async () => {
  await model.code('echo "no such column: windspeed" >&2; exit 3');
  const failure = await failureOfBuild();
  expect(failure.code).toBe('training-failed');
  expect(failure.message).toMatch(/3/);
  expect(failure.message).toMatch(/no such column: windspeed/);
});

test('a script that writes nothing fails the build with the name of the missing file', async () => {
  await model.code('echo done');
  expect(await failureOfBuild()).toMatchObject({
    code: 'artifact-missing',
    message: expect.stringContaining('model.onnx'),
  });
});

test('a model that is not ONNX is refused', async () => {
  await model.code('echo "not a model" > "$PERENNIAL_OUTPUT/model.onnx"');
  expect(await failureOfBuild()).toMatchObject({ code: 'artifact-invalid' });
});

test('a model with other inputs than the features is refused, and both are named', async () => {
  const other = linearModel({ features: ['a', 'b', 'c'], weights: [1, 1, 1], bias: 0 });
  await model.code('cp model.onnx "$PERENNIAL_OUTPUT/"', { 'model.onnx': other });
  const failure = await failureOfBuild();
  expect(failure.code).toBe('artifact-invalid');
  expect(failure.message).toMatch(/3/);
});

test('a model that predicts NaN is refused', async () => {
  await use('low');
  await model.configure((configuration) => ({
    ...configuration,
    data: { ...configuration.data, features: ['low'] },
  }));
  await model.data(['id,at,low,cnt', ...Array.from({ length: 240 }, (_, hour) => row(hour)), ''].join('\n'));
  await model.code('cp model.onnx "$PERENNIAL_OUTPUT/"', { 'model.onnx': logarithmModel() });
  await ingest(model);
  expect(await failureOfBuild('low')).toMatchObject({ code: 'prediction-invalid' });
});

function row(hour: number): string {
  const at = new Date(Date.UTC(2026, 0, 1) + hour * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
  return `${hour},${at},-1.5,1`;
}

test('an endless script is stopped at its time limit', async () => {
  await model.configure((configuration) => ({
    ...configuration,
    build: { ...configuration.build, timeout: '2s' },
  }));
  await model.code('echo waiting; while :; do sleep 1; done');
  expect(await failureOfBuild()).toMatchObject({ code: 'training-timeout' });
});

test('a child process that a script leaves behind has ended when the run is over', async () => {
  await use('orphan');
  // The child would write to the output folder later, and keeps standard output open in the meantime.
  await model.code('(sleep 600; echo late) & cp model.onnx "$PERENNIAL_OUTPUT/"', { 'model.onnx': goodModel });
  await ingest(model);
  const run = await build('orphan');
  expect(run.state).toBe('succeeded');
});

test('a rehearsal whose first model cannot be built gives the reason', async () => {
  await model.code('echo "no such column: windspeed" >&2; exit 3');
  await stack.json(z.unknown(), ['apply', '-f', model.file]);
  const span = ['--from', '2026-01-08', '--to', '2026-01-08', '--every', 'day'];
  const { code, stderr } = await stack.perennial(['rehearse', '-m', name, ...span]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/no first model to serve: the build failed: .*3/);
});
