import { platformViewer } from '../../contracts/access/principal.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EvaluationBody } from '../../contracts/models/evaluation.ts';
import type { Id } from '../../contracts/identifiers.ts';
import { createCodeRepository } from '../../db/code/code-repository.ts';
import { createDatasetRepository } from '../../db/datasets/dataset-repository.ts';
import { createEvaluationRepository } from '../../db/versions/evaluation-repository.ts';
import { createLedgerRepository } from '../../db/ledger/ledger-repository.ts';
import { createModelRepository } from '../../db/models/model-repository.ts';
import { createRunRepository } from '../../db/runs/run-repository.ts';
import { modelVersions } from '../../db/versions/version-tables.ts';
import { createVersionRepository } from '../../db/versions/version-repository.ts';
import { beginRunOf } from '../support/begin-run-of.ts';
import { digestOf, layDatabaseGround, manifestOf, type DatabaseGround } from './database-ground.ts';

let ground: DatabaseGround;
let build: Id;
let lineage: { datasetVersionId: Id; codeVersionId: Id; configurationId: Id };

beforeAll(async () => {
  ground = await layDatabaseGround();
  const { context, scope, by } = ground;
  build = await beginRunOf('build', ground);
  const dataset = await createDatasetRepository(context).commit(
    scope,
    {
      digest: digestOf('data'),
      manifest: manifestOf('a'),
      profile: { schemaVersion: 1, columns: [] },
      expectations: [],
      rowsAdded: 1,
      rowsSkipped: 0,
    },
    { runId: await beginRunOf('data', ground), expectedHead: null, by },
  );
  const manifest = {
    schemaVersion: 1 as const,
    archive: digestOf('archive'),
    command: ['python'],
    environment: null,
    network: false,
    validation: false,
  };
  const code = await createCodeRepository(context).commit(
    scope,
    { digest: digestOf('code'), manifest, origin: { kind: 'folder', files: 1, bytes: 1 } },
    { runId: await beginRunOf('code', ground), by },
  );
  const configuration = await createModelRepository(context).currentConfiguration(scope);
  lineage = { datasetVersionId: dataset.version.id, codeVersionId: code.version.id, configurationId: configuration.id };
});

afterAll(() => ground?.end());

function versionOf(key: string): Parameters<ReturnType<typeof createVersionRepository>['commit']>[1] {
  return {
    format: 'onnx',
    artifact: digestOf(`artifact ${key}`),
    artifactBytes: 10,
    signature: {
      schemaVersion: 1,
      layout: 'matrix',
      inputs: [{ name: 'temp', type: 'FP32' }],
      output: { name: 'variable', type: 'FP32' },
    },
    reference: digestOf('reference'),
    trainingKey: digestOf(key),
    trainingKeyParts: {
      schemaVersion: 1,
      training: digestOf('t'),
      holdout: digestOf('h'),
      target: 'cnt',
      features: ['temp'],
      code: digestOf('code'),
      environment: { lock: null, interpreter: 'CPython 3.11.7', platform: 'linux-x86_64' },
      params: {},
      seed: 0,
    },
    trained: {
      dataset: digestOf('data'),
      from: '2011-01-01T00:00:00.000Z',
      to: '2011-07-01T00:00:00.000Z',
      holdout: { kind: 'last', from: '2011-06-17T00:00:00.000Z' },
      trainingRows: 100,
      holdoutRows: 10,
    },
    ...lineage,
    scriptMetrics: { loss: 0.25 },
    files: [],
    runId: build,
  };
}

test('twenty attempts with the same training get one version, and numbers have no gaps', async () => {
  const { context, scope, by } = ground;
  const versions = createVersionRepository(context);
  const runs = createRunRepository(context);
  const commit = async (key: string, attempt: number) => {
    const holder = `${key}/${attempt}`;
    await runs.takeLease(`train ${holder}`, holder, context.clock.now(), by);
    return versions.commit(scope, versionOf(key), { by, leaseHolder: holder });
  };
  const made = await Promise.all(Array.from({ length: 20 }, (_, i) => commit(i % 2 === 0 ? 'even' : 'odd', i)));
  expect(new Set(made.map((version) => version.id)).size).toBe(2);
  expect((await versions.list(scope.modelId, { limit: 10 })).items.map((version) => version.number)).toEqual([2, 1]);
  const odd = await versions.byTrainingKey(scope.modelId, digestOf('odd'));
  expect(odd).toEqual(made[1]);
  expect(await versions.byNumber(scope.modelId, odd!.number)).toEqual(odd);
});

test('an attempt that has lost its lease commits nothing', async () => {
  const { context, scope, by } = ground;
  const versions = createVersionRepository(context);
  const runs = createRunRepository(context);
  await runs.takeLease('train late', 'old attempt', context.clock.now(), by);
  await runs.takeLease('train late', 'new attempt', context.clock.now(), by);
  await expect(versions.commit(scope, versionOf('late'), { by, leaseHolder: 'old attempt' })).rejects.toMatchObject({
    code: 'lease-lost',
  });
  expect(await versions.byTrainingKey(scope.modelId, digestOf('late'))).toBeUndefined();
  const made = await versions.commit(scope, versionOf('late'), { by, leaseHolder: 'new attempt' });
  expect(await versions.commit(scope, versionOf('late'), { by, leaseHolder: 'new attempt' })).toEqual(made);
});

test('a version in an unknown format is refused by name, and never read as another format', async () => {
  const { context, scope, by } = ground;
  const versions = createVersionRepository(context);
  await createRunRepository(context).takeLease('train newer', 'newer', context.clock.now(), by);
  const known = await versions.commit(scope, versionOf('newer'), { by, leaseHolder: 'newer' });
  const [id, trainingKey] = [context.ids.next(), digestOf('of a newer format')];
  await context.db.insert(modelVersions).values({
    ...known,
    id,
    number: known.number + 1000,
    trainingKey,
    // oxlint-disable-next-line typescript/no-explicit-any -- a newer build's format is not in the union of this one
    format: 'pickle' as any,
    recordedAt: new Date(known.recordedAt),
  });
  await expect(versions.get(id)).rejects.toMatchObject({
    code: 'internal',
    message: expect.stringContaining('"pickle"'),
  });
});

const metrics = {
  task: 'regression' as const,
  rows: 10,
  rmse: 60,
  mae: 40,
  r2: 0.9,
  mape: 0.2,
  medianAbsoluteError: 30,
};
const body: EvaluationBody = {
  schemaVersion: 1,
  modelVersionDigest: digestOf('artifact'),
  championVersionDigest: null,
  holdout: digestOf('h'),
  metric: 'rmse',
  challenger: metrics,
  challengerInterval: null,
  champion: null,
  gain: null,
  gainInterval: null,
  slices: [],
  gates: [],
  verdict: 'candidate',
  reasons: [],
};

test('a run has one evaluation, and the newest one of a version in an environment is found', async () => {
  const { context, scope, by } = ground;
  const versions = createVersionRepository(context);
  const evaluations = createEvaluationRepository(context);
  await createRunRepository(context).takeLease('train evaluated', 'evaluated', context.clock.now(), by);
  const version = await versions.commit(scope, versionOf('evaluated'), { by, leaseHolder: 'evaluated' });
  const evaluation = { modelVersionId: version.id, championVersionId: null, digest: digestOf('evaluation'), body };
  const run = { runId: await beginRunOf('build', ground), by };
  const answers = await Promise.all(Array.from({ length: 10 }, () => evaluations.commit(scope, evaluation, run)));
  expect(new Set(answers.map((answer) => answer.id)).size).toBe(1);
  const second = await evaluations.commit(
    scope,
    { ...evaluation, body: { ...body, verdict: 'rejected', reasons: ['no gain over the champion'] } },
    { runId: await beginRunOf('build', ground), by },
  );
  expect(await evaluations.latest(scope, version.id)).toEqual(second);
  expect((await evaluations.ofVersion(platformViewer, version.id)).map((found) => found.id)).toEqual([
    second.id,
    answers[0]!.id,
  ]);
  expect(await evaluations.latest({ ...scope, environment: 'staging' }, version.id)).toBeUndefined();
  const { items } = await createLedgerRepository(context).list(
    platformViewer,
    { project: 'default', kind: 'version.evaluated' },
    { limit: 10 },
  );
  expect(items.map((entry) => entry.reason)).toEqual(['no gain over the champion', 'candidate']);
  expect((await createLedgerRepository(context).verify(scope.modelId)).problem).toBeNull();
});
