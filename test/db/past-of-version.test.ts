import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ActivityDependencies } from '../../activities/activity-dependencies.ts';
import { gatherWarnings } from '../../activities/deployment/warnings/gather-warnings.ts';
import { createDiskObjectStore } from '../../adapters/object-store/disk.ts';
import type { ApprovalWarning } from '../../contracts/serving/approval.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { Release } from '../../contracts/serving/release.ts';
import { beginRunOf } from '../support/begin-run-of.ts';
import { subjectOf } from '../support/seed-candidate.ts';
import { deploy, freshScope, layDeploymentGround, rollOut, type DeploymentGround } from './deployment-ground.ts';

// Tests the history of releases with the same artifact, from which the warnings of an approval request are made.

let ground: DeploymentGround;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-past-'));
  ground = await layDeploymentGround();
});
afterAll(async () => {
  await ground?.end();
  await rm(folder, { recursive: true });
});

/** Returns the warnings that a request to deploy the release again in production would have. */
async function warningsOf(scope: Scope, release: Release): Promise<readonly ApprovalWarning[]> {
  const { repositories } = ground;
  const { configuration } = await repositories.models.configuration(release.configurationId);
  // The store has no bytes, so the comparison of the data is left out.
  const objectStore = createDiskObjectStore(folder);
  const deps: unknown = { repositories, objectStore, scratchFolder: folder };
  const { warnings } = await gatherWarnings(deps as ActivityDependencies, {
    version: await repositories.versions.get(release.modelVersionId),
    champion: null,
    evaluation: await repositories.evaluations.get(release.evaluationId),
    subject: await subjectOf(repositories, scope, release),
    environment: await repositories.environments.get(scope.project, scope.environment),
    configuration,
  });
  return warnings;
}

async function messagesOf(scope: Scope, release: Release, code: ApprovalWarning['code']): Promise<readonly string[]> {
  return (await warningsOf(scope, release)).filter((warning) => warning.code === code).map(({ message }) => message);
}

test('rollbacks and aborted canaries are found by the artifact of a version', async () => {
  const { deployments, lifecycle, runs, versions } = ground.repositories;
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const second = await deploy(ground, scope, 2);
  const { artifact } = await versions.get(second.modelVersionId);
  expect(await deployments.pastOf(scope.modelId, artifact)).toEqual({ withdrawals: [], findings: [] });
  const request = { kind: 'rollback', schemaVersion: 1, reason: 'answers are off' } as const;
  const { runId } = await lifecycle.submit(scope, { kind: 'run', schemaVersion: 1, request }, ground.by);
  await runs.begin(runId!);
  await deployments.rollback(scope, { runId: runId!, reason: 'answers are off', by: ground.by });
  expect(await deployments.pastOf(scope.modelId, artifact)).toMatchObject({
    withdrawals: [{ kind: 'rollback', environment: 'production', by: 'operator', reason: 'answers are off' }],
    findings: [],
  });
  expect(await messagesOf(scope, second, 'rolled-back')).toEqual([
    expect.stringMatching(/^version 2 was rolled back in production at .* by operator: answers are off$/),
  ]);
  const canary = await rollOut(ground, scope, 3, [10]);
  const aborted = await deployments.abort(scope, { runId: canary.runId, reason: 'error rate 0.5' });
  await runs.succeed(canary.runId, {
    kind: 'deploy',
    decision: 'aborted',
    releaseId: canary.release.id,
    releaseDigest: canary.release.digest,
    generation: aborted?.generation ?? null,
    reasons: ['error rate 0.5'],
  });
  const third = await versions.get(canary.release.modelVersionId);
  expect((await deployments.pastOf(scope.modelId, third.artifact)).withdrawals).toMatchObject([
    { kind: 'abort', reason: 'error rate 0.5' },
  ]);
  expect(await messagesOf(scope, canary.release, 'rolled-back')).toEqual([
    expect.stringMatching(/^version 3 was rolled back automatically in production at .*: error rate 0\.5$/),
  ]);
});

/** Lets monitoring report the drift of a column while the release serves in the scope. */
async function reportDrift(scope: Scope, championReleaseId: Id, value: number, to: string): Promise<void> {
  const verdict = { kind: 'drift' as const, subject: 'temp', value, threshold: 0.2, breached: value > 0.2 };
  const window = {
    schemaVersion: 1 as const,
    model: scope.model,
    environment: scope.environment,
    from: '2011-12-01T00:00:00.000Z',
    to,
    reference: 'training' as const,
    predictions: 700,
    labelled: 0,
    dropped: 0,
    sufficient: true,
    releases: [],
    drift: [],
    performance: null,
  };
  const run = {
    runId: await beginRunOf('monitor', { ...ground, scope }),
    championReleaseId,
    triggerOn: [],
    by: ground.by,
  };
  await ground.repositories.monitoring.commitReport(scope, window, [verdict], run);
}

test('a finding that monitoring opened against a version causes a warning, also after it has closed', async () => {
  const { environments, models } = ground.repositories;
  const scope = await freshScope(ground);
  const release = await deploy(ground, scope, 1);
  const other = await deploy(ground, scope, 2);
  const warnings = (against: Release) => messagesOf(scope, against, 'finding');
  await reportDrift(scope, release.id, 0.54321, '2012-01-01T00:00:00.000Z');
  expect(await warnings(release)).toEqual([
    expect.stringMatching(
      /^a finding was opened against version 1 in production at .* and is still open: drift of temp with the value 0\.5432, beyond the threshold 0\.2$/,
    ),
  ]);
  expect(await warnings(other), 'the finding is not about the other version').toEqual([]);

  for (const to of ['2012-01-02T00:00:00.000Z', '2012-01-03T00:00:00.000Z'])
    await reportDrift(scope, release.id, 0.1, to);
  expect(await warnings(release)).toEqual([expect.stringContaining('and was closed at ')]);

  // A rehearsal serves nobody, so its findings are no warnings.
  const environment = 'rehearsal-of-findings';
  await environments.makeVirtual('default', environment, '2012-01-01T00:00:00.000Z', ground.by);
  const { configuration } = await models.currentConfiguration(scope);
  const rehearsed = (await models.apply('default', environment, configuration, ground.by)).scope;
  await reportDrift(rehearsed, other.id, 0.9, '2012-01-01T00:00:00.000Z');
  expect(await warnings(other)).toEqual([]);
});

test('an environment stricter than the model, few rows and the lack of a canary cause warnings, in a fixed order', async () => {
  const { environments, models } = ground.repositories;
  const scope = await freshScope(ground);
  const release = await deploy(ground, scope, 1);
  await reportDrift(scope, release.id, 0.9, '2012-01-01T00:00:00.000Z');
  const minimumPolicy = { votes: 2, roles: ['approver' as const], requesterMayVote: false, expires: '24h' };
  await environments.put('default', 'strict', { minimumPolicy }, ground.by);
  const { configuration } = await models.currentConfiguration(scope);
  const strict = (await models.apply('default', 'strict', configuration, ground.by)).scope;
  const codes = (await warningsOf(strict, release)).map(({ code }) => code);
  expect(codes).toEqual(['finding', 'few-rows', 'no-canary', 'stricter-policy']);
});
