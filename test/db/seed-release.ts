import type { EvaluationBody } from '../../contracts/models/evaluation.ts';
import type { Id } from '../../contracts/identifiers.ts';
import { createCodeRepository } from '../../db/code/code-repository.ts';
import { createDatasetRepository } from '../../db/datasets/dataset-repository.ts';
import { createEvaluationRepository } from '../../db/versions/evaluation-repository.ts';
import { createModelRepository } from '../../db/models/model-repository.ts';
import { createRunRepository } from '../../db/runs/run-repository.ts';
import { createVersionRepository } from '../../db/versions/version-repository.ts';
import { releases } from '../../db/deployments/deployment-tables.ts';
import { beginRunOf } from '../support/begin-run-of.ts';
import { digestOf, manifestOf, type DatabaseGround } from './database-ground.ts';

export interface SeededRelease {
  readonly id: Id;
  readonly digest: string;
  readonly datasetVersionId: Id;
  readonly codeVersionId: Id;
  readonly configurationId: Id;
  readonly evaluation: EvaluationBody;
}

const metrics = {
  task: 'regression' as const,
  rows: 10,
  rmse: 60,
  mae: 40,
  r2: 0.9,
  mape: 0.2,
  medianAbsoluteError: 30,
};

/**
 * Inserts the rows of a release and of everything that it consists of, without any bytes. `number` makes them unique.
 */
export async function seedRelease(ground: DatabaseGround, number: number): Promise<SeededRelease> {
  const { context, scope, by } = ground;
  const name = `release ${number}`;
  const { dataset, code } = await seedInputs(ground, name);
  const configuration = await createModelRepository(context).currentConfiguration(scope);
  const lineage = { datasetVersionId: dataset.id, codeVersionId: code.id, configurationId: configuration.id };
  const version = await seedVersion(ground, name, lineage);
  const evaluation = evaluationBody();
  const evaluated = await createEvaluationRepository(context).commit(
    scope,
    { modelVersionId: version.id, championVersionId: null, digest: digestOf(`evaluation ${name}`), body: evaluation },
    { runId: await beginRunOf('build', ground), by },
  );
  const body = {
    schemaVersion: 1 as const,
    model: { project: scope.project, name: scope.model },
    dataset: dataset.digest,
    code: code.digest,
    artifact: version.artifact,
    trainingKey: version.trainingKey,
    configuration: configuration.digest,
    evaluation: evaluated.digest,
  };
  const ids = {
    id: context.ids.next(),
    modelId: scope.modelId,
    modelVersionId: version.id,
    evaluationId: evaluated.id,
  };
  const digest = digestOf(name);
  await context.db.insert(releases).values({ ...ids, ...lineage, number, digest, body, recordedBy: by });
  return { id: ids.id, digest, ...lineage, evaluation };
}

async function seedInputs(ground: DatabaseGround, name: string) {
  const { context, scope, by } = ground;
  const datasets = createDatasetRepository(context);
  const expectedHead = (await datasets.head(scope))?.id ?? null;
  const { version: dataset } = await datasets.commit(
    scope,
    {
      digest: digestOf(`data ${name}`),
      manifest: manifestOf(name),
      profile: { schemaVersion: 1, columns: [] },
      expectations: [],
      rowsAdded: 0,
      rowsSkipped: 0,
    },
    { runId: await beginRunOf('data', ground), expectedHead, by },
  );
  const { version: code } = await createCodeRepository(context).commit(
    scope,
    {
      digest: digestOf(`code ${name}`),
      manifest: {
        schemaVersion: 1,
        archive: digestOf('archive'),
        command: ['python', 'train.py'],
        environment: null,
        network: false,
        validation: false,
      },
      origin: { kind: 'folder', files: 1, bytes: 10 },
    },
    { runId: await beginRunOf('code', ground), by },
  );
  return { dataset, code };
}

async function seedVersion(
  ground: DatabaseGround,
  name: string,
  lineage: Pick<SeededRelease, 'datasetVersionId' | 'codeVersionId' | 'configurationId'>,
) {
  const { context, scope, by } = ground;
  await createRunRepository(context).takeLease(`train ${name}`, name, context.clock.now(), by);
  return createVersionRepository(context).commit(
    scope,
    {
      ...lineage,
      format: 'onnx',
      artifact: digestOf(`artifact ${name}`),
      artifactBytes: 10,
      signature: {
        schemaVersion: 1,
        layout: 'matrix',
        inputs: [{ name: 'temp', type: 'FP32' }],
        output: { name: 'variable', type: 'FP32' },
      },
      reference: digestOf('reference'),
      trainingKey: digestOf(`key ${name}`),
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
      scriptMetrics: {},
      files: [],
      runId: await beginRunOf('build', ground),
    },
    { by, leaseHolder: name },
  );
}

export function evaluationBody(): EvaluationBody {
  return {
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
}
