import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Approval } from '../../contracts/serving/approval.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { Evaluation } from '../../contracts/models/evaluation.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { Principal } from '../../contracts/access/principal.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Release } from '../../contracts/serving/release.ts';
import type { SeededVersion } from '../support/seed-candidate.ts';
import { subjectOf } from '../support/seed-candidate.ts';
import {
  applySteps,
  beginDeploy,
  deploy,
  entriesOf,
  freshScope,
  layDeploymentGround,
  rollOut,
  seedCandidate,
  type DeploymentGround,
} from './deployment-ground.ts';

// The champion changes before an approved deployment gets the slot. These tests use database rows only, without artifacts.

let ground: DeploymentGround;
let voter: Principal;

beforeAll(async () => {
  ground = await layDeploymentGround();
  voter = await ground.repositories.principals.ensure('anna', 'person', [{ role: 'approver' }], null);
});
afterAll(() => ground?.end());

/** Makes deployments of the scope require this number of votes. */
async function wantVotes(scope: Scope, votes: number): Promise<void> {
  const { models } = ground.repositories;
  const { configuration } = await models.currentConfiguration(scope);
  const own = Configuration.parse({ ...configuration, deploy: { ...configuration.deploy, approval: { votes } } });
  await models.apply(scope.project, scope.environment, own, ground.by);
}

async function ask(scope: Scope, runId: Id, release: Release, replaces?: Id): Promise<Approval> {
  const { approvals, evaluations } = ground.repositories;
  const subject = await subjectOf(ground.repositories, scope, release);
  const evaluation = (await evaluations.get(release.evaluationId)).body;
  return approvals.request(scope, {
    runId,
    ...(replaces === undefined ? {} : { replaces }),
    digest: sha256OfJson(subject),
    subject,
    evidence: {
      schemaVersion: 1,
      modelVersion: 2,
      championVersion: null,
      dataset: 1,
      code: 1,
      evaluation,
      rollbackTarget: subject.champion,
    },
    by: ground.by,
  });
}

async function vote({ id, digest, runId }: Approval): Promise<void> {
  const { approvals } = ground.repositories;
  await approvals.vote(id, { decision: 'approve', digest, comment: 'better than the first' }, voter);
  expect(await approvals.tally(id, runId)).toMatchObject({ status: 'approved' });
}

/** Records an evaluation of the candidate against the serving champion, as the deploy run does. */
async function measure(
  scope: Scope,
  runId: Id,
  { evaluation }: SeededVersion,
  verdict: 'candidate' | 'rejected' = 'candidate',
): Promise<Evaluation> {
  const { deployments, evaluations, versions } = ground.repositories;
  const champion = await deployments.champion(scope);
  const championVersionId = champion?.slot.modelVersionId ?? null;
  const championVersionDigest = championVersionId === null ? null : (await versions.get(championVersionId)).artifact;
  const reasons = verdict === 'candidate' ? [] : ['no gain over the champion'];
  const body = { ...evaluation.body, championVersionDigest, verdict, reasons };
  const made = { modelVersionId: evaluation.modelVersionId, championVersionId, digest: sha256OfJson(body), body };
  return evaluations.commit(scope, made, { runId, by: ground.by });
}

/** Makes a deployment that is approved to replace the first release. The caller then deploys the second release. */
async function overtaken(scope: Scope) {
  await deploy(ground, scope, 1);
  await wantVotes(scope, 1);
  const candidate = await seedCandidate(ground, scope, 3);
  const { runId } = await beginDeploy(ground, scope, candidate.evaluation.id);
  const measured = await measure(scope, runId, candidate);
  const earlier = await ask(scope, runId, await makeRelease(scope, runId, measured.id));
  await vote(earlier);
  return { candidate, runId, earlier };
}

function makeRelease(scope: Scope, runId: Id, evaluationId: Id): Promise<Release> {
  return ground.repositories.deployments.makeRelease(scope, evaluationId, { runId, by: ground.by });
}

test('an approved deployment is evaluated and requested again after the champion changes, and shows the earlier votes', async () => {
  const { approvals, deployments, runs } = ground.repositories;
  const scope = await freshScope(ground);
  const { candidate, runId, earlier } = await overtaken(scope);
  await deploy(ground, scope, 2);
  await wantVotes(scope, 1);
  expect(await deployments.beginRollout(scope, runId)).toBe('champion-changed');
  expect((await ground.repositories.models.heads(scope)).rolloutRunId).toBeNull();

  const measured = await measure(scope, runId, candidate);
  expect((await measure(scope, runId, candidate)).id, 'a second attempt returns the same evaluation').toBe(measured.id);
  const release = await makeRelease(scope, runId, measured.id);
  expect(release.digest).not.toBe(earlier.subject.release);
  const asked = await Promise.all(Array.from({ length: 5 }, () => ask(scope, runId, release, earlier.id)));
  expect(new Set(asked.map(({ id }) => id)).size).toBe(1);
  const again = await approvals.get(asked[0]!.id);
  expect(again).toMatchObject({
    status: 'pending',
    replaces: earlier.id,
    votes: [],
    earlierVotes: [{ approvalId: earlier.id, principalName: 'anna', comment: 'better than the first' }],
  });
  expect(again.digest).not.toBe(earlier.digest);
  expect(await approvals.get(earlier.id)).toMatchObject({ status: 'superseded', votes: [{ principalName: 'anna' }] });
  expect(await runs.get(runId)).toMatchObject({ state: 'awaiting-approval', approvalId: again.id });
  await expect(
    deployments.beginRollout(scope, runId),
    'earlier votes do not approve the new request',
  ).rejects.toMatchObject({
    code: 'unproven',
  });
  await vote(again);
  expect(await deployments.beginRollout(scope, runId)).toBe('begun');
  expect((await entriesOf(ground, scope, 'approval.requested')).at(-1)?.subject).toMatchObject({
    runId,
    replaces: earlier.id,
  });
});

test('a repeated request does not supersede the pending request of a newer candidate', async () => {
  const { approvals } = ground.repositories;
  const scope = await freshScope(ground);
  const { candidate, runId, earlier } = await overtaken(scope);
  await deploy(ground, scope, 2);
  await wantVotes(scope, 1);
  const newest = await seedCandidate(ground, scope, 4);
  const newer = await beginDeploy(ground, scope, newest.evaluation.id);
  const pending = await ask(scope, newer.runId, newer.release);
  const measured = await measure(scope, runId, candidate);
  const again = await ask(scope, runId, await makeRelease(scope, runId, measured.id), earlier.id);
  expect(again.status).toBe('superseded');
  expect((await approvals.get(pending.id)).status).toBe('pending');
});

test('a repeated request replaces only an approved request of the same run', async () => {
  const scope = await freshScope(ground);
  await wantVotes(scope, 1);
  const { evaluation } = await seedCandidate(ground, scope, 1);
  const first = await beginDeploy(ground, scope, evaluation.id);
  const pending = await ask(scope, first.runId, first.release);
  await expect(ask(scope, first.runId, first.release, pending.id)).rejects.toMatchObject({ code: 'unproven' });
  await vote(pending);
  const other = await beginDeploy(ground, scope, evaluation.id);
  await expect(ask(scope, other.runId, other.release, pending.id)).rejects.toMatchObject({ code: 'unproven' });
});

test('a repeated request is approved at once if no votes are required', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const candidate = await seedCandidate(ground, scope, 3);
  const { runId } = await beginDeploy(ground, scope, candidate.evaluation.id);
  const first = await ask(scope, runId, await makeRelease(scope, runId, (await measure(scope, runId, candidate)).id));
  await deploy(ground, scope, 2);
  expect(await ground.repositories.deployments.beginRollout(scope, runId)).toBe('champion-changed');
  const measured = await measure(scope, runId, candidate);
  const again = await ask(scope, runId, await makeRelease(scope, runId, measured.id), first.id);
  expect(again.status).toBe('approved');
  expect(await ground.repositories.deployments.beginRollout(scope, runId)).toBe('begun');
});

test('a deployment ends as refused only if its own evaluation was rejected', async () => {
  const { runs } = ground.repositories;
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const candidate = await seedCandidate(ground, scope, 2);
  const { runId } = await beginDeploy(ground, scope, candidate.evaluation.id);
  const reasons = ['no gain over the champion'];
  const outcome = {
    kind: 'deploy',
    decision: 'refused',
    releaseId: null,
    releaseDigest: null,
    generation: null,
  } as const;
  await expect(runs.succeed(runId, { ...outcome, reasons })).rejects.toMatchObject({ code: 'unproven' });
  await measure(scope, runId, candidate, 'rejected');
  await expect(runs.succeed(runId, { ...outcome, decision: 'superseded', reasons })).rejects.toMatchObject({
    code: 'unproven',
  });
  await runs.succeed(runId, { ...outcome, reasons });
  expect((await entriesOf(ground, scope, 'deployment.ended')).at(-1)).toMatchObject({
    reason: 'no gain over the champion',
    subject: { runId, decision: 'refused', reasons },
  });
});

test('a version that already serves under the same configuration cannot be released again after a new evaluation', async () => {
  const scope = await freshScope(ground);
  await applySteps(ground, scope, [100]);
  const { runId: first, release } = await rollOut(ground, scope, 1, [100]);
  await ground.repositories.deployments.endRollout(scope, first);
  const { evaluations } = ground.repositories;
  const asked = await evaluations.get(release.evaluationId);
  const runId = (await beginDeployOf(scope, asked.id)).runId;
  const version = await ground.repositories.versions.get(asked.modelVersionId);
  const again = await measure(scope, runId, { version, evaluation: asked });
  expect(again.championVersionId).toBe(asked.modelVersionId);
  await expect(makeRelease(scope, runId, again.id)).rejects.toMatchObject({ code: 'conflict' });
});

async function beginDeployOf(scope: Scope, evaluationId: Id): Promise<{ readonly runId: Id }> {
  const request = { kind: 'deploy', schemaVersion: 1, evaluationId, automated: false } as const;
  const { lifecycle, runs } = ground.repositories;
  const { runId } = await lifecycle.submit(scope, { kind: 'run', schemaVersion: 1, request }, ground.by);
  if (runId === null) throw new Error('the command made no run');
  await runs.begin(runId);
  return { runId };
}
