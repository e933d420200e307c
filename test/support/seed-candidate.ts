import { policyIn } from '../../contracts/serving/approval-policy.ts';
import type { Approval } from '../../contracts/serving/approval.ts';
import type { EvidenceDetails } from '../../contracts/serving/approval-evidence.ts';
import type { CodeManifest } from '../../contracts/code/code-version.ts';
import type { DatasetManifest } from '../../contracts/data/dataset-version.ts';
import { sha256OfBytes, sha256OfJson } from '../../contracts/digest.ts';
import type { Evaluation, EvaluationBody } from '../../contracts/models/evaluation.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { RegressionMetrics } from '../../contracts/models/metrics.ts';
import type { ModelVersion } from '../../contracts/models/model-version.ts';
import type { Release } from '../../contracts/serving/release.ts';
import type { RunRequest } from '../../contracts/runs/run.ts';
import type { Repositories } from '../../ports/repositories/repositories.ts';

const metrics: RegressionMetrics = {
  task: 'regression',
  rows: 10,
  rmse: 50,
  mae: 40,
  r2: 0.9,
  mape: 0.2,
  medianAbsoluteError: 30,
};

/** Submits a run and begins it, as its pipeline would. */
export async function beginRun(repositories: Repositories, scope: Scope, request: RunRequest, by: Id): Promise<Id> {
  const { runId } = await repositories.lifecycle.submit(scope, { kind: 'run', schemaVersion: 1, request }, by);
  if (runId === null) throw new Error('the command made no run');
  await repositories.runs.begin(runId);
  return runId;
}

export interface SeededVersion {
  readonly version: ModelVersion;
  readonly evaluation: Evaluation;
}

/** Inserts a model version with an evaluation, a dataset and code. They exist as database rows only, without bytes. */
export async function seedVersion(
  repositories: Repositories,
  scope: Scope,
  by: Id,
  options: {
    readonly seed: number;
    readonly verdict?: 'candidate' | 'rejected';
    readonly artifact?: string;
    readonly archive?: string;
    readonly signature?: ModelVersion['signature'];
    readonly reference?: string;
  },
): Promise<SeededVersion> {
  const { seed } = options;
  const dataset = await seedDataset(repositories, scope, by);
  const code = await seedCode(repositories, scope, by, options.archive ?? sha256OfBytes('archive'));
  const configuration = await repositories.models.currentConfiguration(scope);
  const runId = await beginRun(
    repositories,
    scope,
    { kind: 'build', schemaVersion: 1, asOf: '2012-01-01T00:00:00.000Z', automated: false },
    by,
  );
  const holder = `seed-${runId}`;
  const keyParts = {
    schemaVersion: 1,
    training: sha256OfBytes('t'),
    holdout: sha256OfBytes('h'),
    target: 'cnt',
    features: ['temp'],
    code: code.digest,
    environment: { lock: null, interpreter: 'CPython 3.11', platform: 'linux-x86_64' },
    params: {},
    seed,
  } as const;
  const trainingKey = sha256OfJson(keyParts);
  await repositories.runs.takeLease(trainingKey, holder, '2100-01-01T00:00:00.000Z', by);
  const version = await repositories.versions.commit(
    scope,
    {
      format: 'onnx',
      artifact: options.artifact ?? sha256OfBytes(`model ${seed}`),
      artifactBytes: 100,
      signature: options.signature ?? {
        schemaVersion: 1,
        layout: 'columns',
        inputs: [{ name: 'temp', type: 'FP32' }],
        output: { name: 'variable', type: 'FP32' },
      },
      reference: options.reference ?? sha256OfBytes('reference'),
      trainingKey,
      trainingKeyParts: { ...keyParts, features: [...keyParts.features] },
      trained: {
        dataset: dataset.digest,
        from: '2011-07-01T00:00:00.000Z',
        to: '2012-01-01T00:00:00.000Z',
        holdout: { kind: 'last', from: '2011-12-18T00:00:00.000Z' },
        trainingRows: 100,
        holdoutRows: 10,
      },
      datasetVersionId: dataset.id,
      codeVersionId: code.id,
      configurationId: configuration.id,
      scriptMetrics: {},
      files: [],
      runId,
    },
    { by, leaseHolder: holder },
  );
  const verdict = options.verdict ?? 'candidate';
  const body: EvaluationBody = {
    schemaVersion: 1,
    modelVersionDigest: version.artifact,
    championVersionDigest: null,
    holdout: sha256OfBytes('h'),
    metric: 'rmse',
    challenger: metrics,
    challengerInterval: null,
    champion: null,
    gain: null,
    gainInterval: null,
    slices: [],
    gates: [
      {
        gate: 'rmse <= 150',
        verdict: verdict === 'candidate' ? 'pass' : 'fail',
        value: 50,
        threshold: 150,
        n: 10,
        reason: '',
      },
    ],
    verdict,
    reasons: verdict === 'candidate' ? [] : ['rmse 200 is above 150'],
  };
  const evaluation = await repositories.evaluations.commit(
    scope,
    { modelVersionId: version.id, championVersionId: null, digest: sha256OfJson(body), body },
    { runId, by },
  );
  await repositories.runs.succeed(runId, {
    kind: 'build',
    decision: verdict,
    modelVersionId: version.id,
    number: version.number,
    evaluationId: evaluation.id,
    reused: false,
    reasons: body.reasons,
  });
  return { version, evaluation };
}

export async function seedDataset(
  repositories: Repositories,
  scope: Scope,
  by: Id,
  parts: DatasetManifest['parts'] = [],
) {
  const manifest: DatasetManifest = {
    schemaVersion: 1,
    columns: [
      { name: 'id', type: 'integer', nullable: false },
      { name: 'temp', type: 'number', nullable: false },
      { name: 'cnt', type: 'integer', nullable: false },
    ],
    key: 'id',
    timezone: 'UTC',
    rows: 0,
    parts,
  };
  const runId = await beginRun(
    repositories,
    scope,
    { kind: 'data', schemaVersion: 1, files: [{ name: 'a.csv', sha256: sha256OfBytes('a'), format: 'csv' }] },
    by,
  );
  const head = await repositories.datasets.head(scope);
  const { version } = await repositories.datasets.commit(
    scope,
    {
      digest: sha256OfJson(manifest),
      manifest,
      profile: { schemaVersion: 1, columns: [] },
      expectations: [],
      rowsAdded: 0,
      rowsSkipped: 0,
    },
    { runId, expectedHead: head?.id ?? null, by },
  );
  await repositories.runs.succeed(runId, {
    kind: 'data',
    datasetVersionId: version.id,
    number: version.number,
    digest: version.digest,
    rows: 0,
    added: 0,
    skipped: 0,
    unchanged: false,
  });
  return version;
}

export async function seedCode(repositories: Repositories, scope: Scope, by: Id, archive: string) {
  const manifest: CodeManifest = {
    schemaVersion: 1,
    archive,
    command: ['python', 'train.py'],
    environment: null,
    network: false,
    validation: false,
  };
  const runId = await beginRun(
    repositories,
    scope,
    {
      kind: 'code',
      schemaVersion: 1,
      archive,
      command: manifest.command,
      environmentPath: null,
      network: false,
      validation: false,
    },
    by,
  );
  const { version, unchanged } = await repositories.code.commit(
    scope,
    { digest: sha256OfJson(manifest), manifest, origin: { kind: 'folder', files: 1, bytes: 10 } },
    { runId, by },
  );
  await repositories.runs.succeed(runId, {
    kind: 'code',
    codeVersionId: version.id,
    number: version.number,
    digest: version.digest,
    unchanged,
  });
  return version;
}

/** Returns the approval subject that the release's own configuration asks for. */
export async function subjectOf(
  { models, deployments, environments }: Repositories,
  scope: Scope,
  release: Release,
): Promise<Approval['subject']> {
  const { strategy, approval } = (await models.configuration(release.configurationId)).configuration.deploy;
  return {
    schemaVersion: 1,
    release: release.digest,
    environment: scope.environment,
    strategy,
    policy: policyIn(await environments.get(scope.project, scope.environment), approval),
    champion: (await deployments.champion(scope))?.release.digest ?? null,
  };
}

/** Starts a deploy run of the evaluation and requests the approval that it waits for. */
export async function seedApproval(
  repositories: Repositories,
  scope: Scope,
  by: Id,
  { version, evaluation }: SeededVersion,
  details?: EvidenceDetails,
): Promise<{ readonly approval: Approval; readonly release: Release; readonly runId: Id }> {
  const runId = await beginRun(
    repositories,
    scope,
    { kind: 'deploy', schemaVersion: 1, evaluationId: evaluation.id, automated: false },
    by,
  );
  const release = await repositories.deployments.makeRelease(scope, evaluation.id, { runId, by });
  const subject = await subjectOf(repositories, scope, release);
  const evidence: Approval['evidence'] = {
    schemaVersion: 1,
    modelVersion: version.number,
    championVersion: null,
    dataset: 1,
    code: 1,
    evaluation: evaluation.body,
    rollbackTarget: subject.champion,
  };
  const approval = await repositories.approvals.request(scope, {
    runId,
    digest: sha256OfJson(subject),
    subject,
    evidence,
    details,
    by,
  });
  return { approval, release, runId };
}

/** Creates and begins a rehearsal on a dataset of these parts. */
export async function seedRehearsal(
  repositories: Repositories,
  source: Scope,
  by: Id,
  parts: DatasetManifest['parts'] = [],
): Promise<{ readonly id: Id; readonly runId: Id; readonly scope: Scope }> {
  const plan = {
    schemaVersion: 1,
    from: '2011-07-01T00:00:00.000Z',
    to: '2011-10-01T00:00:00.000Z',
    every: 'month',
    datasetVersionId: (await seedDataset(repositories, source, by, parts)).id,
    codeVersionId: (await seedCode(repositories, source, by, sha256OfBytes('archive'))).id,
    configurationId: (await repositories.models.currentConfiguration(source)).id,
    sourceEnvironment: source.environment,
  } as const;
  const { rehearsal, scope } = await repositories.rehearsals.create(source, plan, 'rmse', by);
  await repositories.runs.begin(rehearsal.runId);
  return { id: rehearsal.id, runId: rehearsal.runId, scope };
}
