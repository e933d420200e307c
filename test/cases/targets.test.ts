import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { Evaluation } from '../../contracts/models/evaluation.ts';
import type { Metrics } from '../../contracts/models/metrics.ts';
import { modelVersionWith } from '../../contracts/models/model-version.ts';
import type { Run } from '../../contracts/runs/run.ts';
import type { ClassifierName } from '../support/classifiers.ts';
import { classifier } from '../support/classifiers.ts';
import { linearModel } from '../support/onnx-models.ts';
import type { CaseConfiguration, CaseGround, CaseModel, RowsFile } from './case-ground.ts';
import { caseFile, layCaseGround, outcomeOfRun } from './case-ground.ts';

let ground: CaseGround;
beforeAll(async () => {
  ground = await layCaseGround();
});
afterAll(() => ground?.end());

const Evaluated = modelVersionWith({ evaluation: Evaluation.nullable() });
/**
 * The end of the rows in `unlabelled-rows`, where the last 50 rows have no target and the last 60 days hold 55 rows.
 */
const asOf = '2026-08-06T00:00:00.000Z';

function versionOf({ name }: CaseModel, number: number): Promise<z.infer<typeof Evaluated>> {
  return ground.stack.get(Evaluated, `/v1/models/${name}/versions/${number}`);
}

/** Creates a model, applies its configuration and ingests the rows. */
async function laidModel(
  name: string,
  rows: string | RowsFile,
  { data, build, ...rest }: CaseConfiguration = {},
): Promise<CaseModel> {
  const model = await ground.model(name, {
    ...rest,
    data: { timestamp: 'at', ...data },
    build: { holdout: { last: '60 days' }, gates: [{ metric: 'rmse', max: 0.001 }], ...build },
  });
  const applied = await model.apply();
  expect(applied.code, applied.stderr).toBe(0);
  outcomeOfRun(await model.ingest(rows));
  return model;
}

function failureOf(run: Run): { readonly code: string; readonly message: string } | undefined {
  return run.state === 'failed' ? run.failure : undefined;
}

/** Returns the rows of `unlabelled-rows` with a different target. */
async function daysWith(target: (id: number, x: string, y: string) => string): Promise<string> {
  const [head = '', ...lines] = (await readFile(caseFile('unlabelled-rows/rows.csv'), 'utf8')).trim().split('\n');
  const rows = lines.map((line) => {
    const [id = '', at = '', x = '', y = ''] = line.split(',');
    return [id, at, x, target(Number(id), x, y)].join(',');
  });
  return [head, ...rows, ''].join('\n');
}

describe('rows without a target', () => {
  test('are neither trained on nor measured, and are counted', async () => {
    const model = await laidModel('unlabelled', caseFile('unlabelled-rows/rows.csv'));
    const unlabelled = { training: 0, holdout: 50 };
    const built = await ground.cli('build', '--as-of', asOf, '-m', 'unlabelled');
    const counted = '50 rows without a target were left out: 0 from training, 50 from the holdout';
    expect(built.stdout).toContain(`version 1 is candidate; ${counted}`);
    const { trained, evaluation } = await versionOf(model, 1);
    expect(trained).toMatchObject({ trainingRows: 145, holdoutRows: 5, unlabelled });
    expect(evaluation?.body).toMatchObject({ unlabelled: 50, challenger: { rows: 5, rmse: expect.closeTo(0, 4) } });
    const shown = await ground.cli('versions', 'show', '1', '-m', 'unlabelled');
    expect(shown.stdout).toContain(counted);
  });

  test('are counted by a refit too', async () => {
    const model = await laidModel('refitted', caseFile('unlabelled-rows/rows.csv'), { build: { refit: true } });
    const unlabelled = { training: 50, holdout: 0 };
    expect(outcomeOfRun(await model.build({ asOf }))).toMatchObject({ decision: 'candidate', number: 2, unlabelled });
    expect((await versionOf(model, 2)).trained).toMatchObject({ trainingRows: 150, holdoutRows: 0, unlabelled });
  });

  test('are trained on in the next build once their targets have arrived', async () => {
    const model = await laidModel('late', caseFile('unlabelled-rows/rows.csv'), { data: { mode: 'upsert' } });
    outcomeOfRun(await model.build({ asOf }));
    outcomeOfRun(await model.ingest({ name: 'rows.csv', content: await daysWith((_id, x) => x) }));
    const outcome = outcomeOfRun(await model.build({ asOf }));
    expect(outcome).toMatchObject({ decision: 'candidate', number: 2 });
    expect(outcome).not.toHaveProperty('unlabelled');
    expect((await versionOf(model, 2)).trained).toMatchObject({ trainingRows: 145, holdoutRows: 55 });
  });

  test('may be null or absent in NDJSON', async () => {
    const lines = Array.from({ length: 200 }, (_, id) => {
      const target = id % 8 === 0 ? { y: null } : id % 8 === 4 ? {} : { y: id / 10 };
      return JSON.stringify({ id, at: new Date(Date.UTC(2026, 0, 1 + id)).toISOString(), x: id / 10, ...target });
    });
    const model = await laidModel('absent', { name: 'rows.ndjson', content: `${lines.join('\n')}\n` });
    expect(outcomeOfRun(await model.build({ asOf: '2026-07-20T00:00:00.000Z' }))).toMatchObject({
      decision: 'candidate',
      unlabelled: { training: 35, holdout: 15 },
    });
  });
});

describe('a build without any target is refused with the reason', () => {
  test('if no held-out row has a target', async () => {
    const model = await laidModel('none-held-out', caseFile('unlabelled-rows/rows.csv'), {
      build: { holdout: { last: '30 days' } },
    });
    expect(failureOf(await model.build({ asOf }))).toMatchObject({
      code: 'no-data',
      message: expect.stringMatching(/none of the \d+ rows held out has a target \("y"\).*build\.holdout/),
    });
  });

  test('if no row has a target', async () => {
    const model = await laidModel('none-at-all', { name: 'rows.csv', content: await daysWith(() => '') });
    expect(failureOf(await model.build({ asOf }))).toMatchObject({
      code: 'no-data',
      message: expect.stringContaining('none of its 200 rows has a target ("y")'),
    });
    const { body } = await ground.stack.request('GET', '/v1/models/none-at-all/versions', undefined);
    expect(body).toMatchObject({ items: [] });
  });

  test('if the target of a regression is text', async () => {
    const content = await daysWith((id) => (id % 2 === 0 ? 'many' : 'few'));
    const model = await laidModel('words', { name: 'rows.csv', content });
    expect(failureOf(await model.build({ asOf }))).toMatchObject({
      code: 'invalid-configuration',
      message: expect.stringContaining('task regression needs a numeric target, but "y" has type string in dataset 1'),
    });
  });
});

describe('classifiers are measured on rows that have a class', () => {
  const spellings: readonly [string, ClassifierName, 'binary' | 'multiclass', (label: unknown) => string][] = [
    ['text', 'binary-words', 'binary', (label) => `"${String(label)}"`],
    ['truth-values', 'labels-and-scores', 'binary', (label) => (label === 1 ? 'true' : 'false')],
    ['whole-numbers', 'several-numbers', 'multiclass', String],
  ];
  test.each(spellings)('of the type %s', async (kind, name, task, spelled) => {
    // An empty text is not a class either.
    const none = kind === 'text' ? '""' : '';
    const { bytes, inputs, labels, features } = classifier(name);
    const lines = Array.from({ length: 120 }, (_, id) => {
      const at = id % labels.length;
      const given = features.map((feature) => inputs[feature]?.[at]);
      return [id, ...given, id % 6 === 5 ? none : spelled(labels[at])].join(',');
    });
    const model = await ground.model(`classes-${kind}`, {
      task,
      data: { target: 'kind', features: [...features] },
      build: { holdout: { fraction: 0.3, by: 'id' }, metric: 'accuracy', gates: [{ metric: 'accuracy', min: 1 }] },
    });
    await model.artifact(bytes);
    await model.apply();
    outcomeOfRun(
      await model.ingest({ name: 'rows.csv', content: `id,${features.join(',')},kind\n${lines.join('\n')}\n` }),
    );
    const outcome = outcomeOfRun(await model.build());
    expect(outcome).toMatchObject({ decision: 'candidate', unlabelled: expect.any(Object) });
    const { trained } = await versionOf(model, 1);
    expect((trained.unlabelled?.training ?? 0) + (trained.unlabelled?.holdout ?? 0)).toBe(20);
    expect(trained.trainingRows + trained.holdoutRows).toBe(100);
  });
});

describe('targets near the limits of numbers', () => {
  const rows = (from: number, x: (at: number) => number, y: (at: number) => number): RowsFile => ({
    name: 'rows.csv',
    content: ['id,x,y', ...Array.from({ length: 300 }, (_, at) => `${from + at},${x(at)},${y(at)}`), ''].join('\n'),
  });
  const constant = (bias: number, weight = 0): Uint8Array =>
    linearModel({ features: ['x'], weights: [weight], bias }, 'DOUBLE');
  const ends = (at: number): number => [1e308, -1e308, 5e-324][at % 9] ?? at % 10;
  const rmseOf = (metrics: Metrics | null | undefined): number => (metrics?.task === 'regression' ? metrics.rmse : NaN);
  const large = (at: number): number => (at % 9 === 4 ? 1e150 : at % 10);

  test.each<[string, (at: number) => number, Uint8Array, string]>([
    ['a target', (at) => (at === 7 ? -1e300 : at % 10), constant(5), 'the target "y" is beyond ±1e+150 in 1 of the'],
    ['an answer', (at) => at % 10, constant(0, 1e200), 'the model answers row 0 with'],
  ])('%s for which every metric overflows are refused with the reason, once', async (name, y, artifact, reason) => {
    const model = await ground.model(name.replace(/an? /, 'huge-'));
    await model.artifact(artifact);
    expect((await model.apply()).code).toBe(0);
    outcomeOfRun(await model.ingest(rows(0, (at) => 1 + (at % 10), y)));
    const run = await model.build();
    expect(failureOf(run)?.message).toContain(reason);
    expect(failureOf(run)?.message).toContain('no metric can be computed with it');
    expect(run.steps.filter(({ attempt }) => attempt > 1)).toEqual([]);
  });

  test('that metrics can represent are measured, compared, deployed and monitored', async () => {
    const model = await ground.model('ends', { monitor: { drift: { numeric: 'wasserstein' } } });
    await model.artifact(constant(5));
    await model.serve(rows(0, ends, large));
    await model.artifact(constant(6));
    expect((await model.apply()).code).toBe(0);
    expect(outcomeOfRun(await model.build())).toMatchObject({ decision: 'candidate' });
    expect(outcomeOfRun(await model.deploy(2))).toMatchObject({ decision: 'promoted' });
    const { evaluation } = await versionOf(model, 2);
    for (const side of [evaluation?.body.challenger, evaluation?.body.champion])
      expect(rmseOf(side)).toBeGreaterThan(1e149);
    const at = Array.from({ length: 60 }, (_, place) => place);
    const ids = at.map((place) => `end-${place}`);
    const answer = await model.infer({
      inputs: [{ name: 'x', datatype: 'FP64', shape: [60], data: at.map(ends) }],
      parameters: { prediction_ids: ids },
    });
    expect(answer.status).toBe(200);
    const labels = await model.labels(at.map((place) => ({ id: ids[place], value: large(place) })));
    expect(labels).toMatchObject({ status: 200, body: { refused: 0 } });
    const { body } = await model.monitor();
    expect(body).toMatchObject({ predictions: 60, labelled: 60 });
    expect(body.drift.find(({ column }) => column === 'x')).toMatchObject({ test: 'wasserstein', drifted: false });
    expect(rmseOf(body.performance)).toBeGreaterThan(1e149);
  });
});
