import { afterAll, beforeAll, expect, test } from 'vitest';
import { planLifecycle } from '../../activities/lifecycle/plan-lifecycle.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { beginRunOf } from '../support/begin-run-of.ts';
import { seedApproval } from '../support/seed-candidate.ts';
import {
  applySteps,
  approve,
  beginDeploy,
  freshScope,
  layDeploymentGround,
  rollOut,
  seedCandidate,
  type DeploymentGround,
} from './deployment-ground.ts';

let ground: DeploymentGround;
beforeAll(async () => {
  ground = await layDeploymentGround();
});
afterAll(() => ground?.end());

async function nudged(scope: Scope): Promise<readonly string[]> {
  return (await ground.repositories.lifecycle.advance(scope, planLifecycle)).nudge;
}

test('an approved deployment is nudged when the rollout slot is free, and not while another deployment holds it', async () => {
  const scope = await freshScope(ground);
  const { repositories } = ground;
  const first = await rollOut(ground, scope, 1, [100]);
  await applySteps(ground, scope, [100]);
  const { evaluation } = await seedCandidate(ground, scope, 2);
  const second = await beginDeploy(ground, scope, evaluation.id);
  const approval = await approve(ground, scope, second);
  expect(await repositories.approvals.tally(approval.id, second.runId)).toMatchObject({ status: 'approved' });

  expect(await repositories.deployments.beginRollout(scope, second.runId)).toBe('taken');
  expect(await nudged(scope)).toEqual([]);
  await repositories.deployments.endRollout(scope, first.runId);
  expect(await nudged(scope)).toEqual([`${scope.model}/production/deploy/${second.runId}`]);
});

test('an approved deployment is nudged when the deployment that holds the rollout slot failed without freeing it', async () => {
  const scope = await freshScope(ground);
  const { repositories } = ground;
  const first = await rollOut(ground, scope, 1, [100]);
  await applySteps(ground, scope, [100]);
  const { evaluation } = await seedCandidate(ground, scope, 2);
  const second = await beginDeploy(ground, scope, evaluation.id);
  const approval = await approve(ground, scope, second);
  await repositories.approvals.tally(approval.id, second.runId);
  await repositories.runs.fail(first.runId, { code: 'process-died', message: 'terminated', fields: {} });
  expect(await nudged(scope)).toEqual([`${scope.model}/production/deploy/${second.runId}`]);
});

test('a rehearsal is nudged when nothing else runs in its environment, or a request needs its vote', async () => {
  const scope = await freshScope(ground, { virtualNow: '2011-07-01T00:00:00.000Z' });
  const { context, by, repositories } = ground;
  const rehearsal = await beginRunOf('rehearsal', { context, scope, by });
  const own = `${scope.model}/${scope.environment}/rehearsal/${rehearsal}`;
  expect(await nudged(scope)).toEqual([own]);
  const data = await beginRunOf('data', { context, scope, by });
  expect(await nudged(scope)).toEqual([]);
  await seedApproval(repositories, scope, by, await seedCandidate(ground, scope, 1));
  expect(await nudged(scope)).toEqual([own]);
  await repositories.runs.cancel(data, 'over');
  await repositories.runs.cancel(rehearsal, 'over');
  expect(await nudged(scope)).toEqual([]);
});
