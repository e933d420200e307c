import type { Approval, ApprovalSubject } from '../../contracts/approval.ts';
import { policyIn } from '../../contracts/approval-policy.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import { durationMs } from '../../contracts/duration.ts';
import type { Release } from '../../contracts/release.ts';
import type { DeployActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { runWithRequest } from '../run-request.ts';
import { gatherEvidence } from './evidence/gather-evidence.ts';

/** Makes the Release and asks for its approval, bound to the digest of what is asked. */
export function createRequestApproval(deps: ActivityDependencies): DeployActivities['requestApproval'] {
  return async ({ runId, scope }) => {
    const { deployments, approvals, environments, models } = deps.repositories;
    const { run, request } = await runWithRequest(deps.repositories.runs, runId, 'deploy');
    const release = await deployments.makeRelease(scope, request.evaluationId, {
      runId,
      by: run.recordedBy,
      expected: request.release,
    });
    const champion = await deployments.champion(scope);
    const environment = await environments.get(scope.project, scope.environment);
    const { configuration } = await models.configuration(release.configurationId);
    const { strategy, approval } = configuration.deploy;
    const subject: ApprovalSubject = {
      schemaVersion: 1,
      release: release.digest,
      environment: scope.environment,
      strategy,
      policy: policyIn(environment, approval),
      champion: champion?.release.digest ?? null,
    };
    const evidence = await evidenceOf(deps, release, champion?.release ?? null);
    const details = await gatherEvidence(deps, release, champion?.release ?? null);
    const asked = await approvals.request(scope, {
      runId,
      digest: sha256OfJson(subject),
      subject,
      evidence,
      details,
      by: run.recordedBy,
    });
    return {
      approvalId: asked.id,
      releaseId: release.id,
      releaseDigest: release.digest,
      // What was asked when it was first asked, should this be a second attempt.
      championDigest: asked.subject.champion,
      shadow: strategy.shadow === undefined ? null : { bakeMs: durationMs(strategy.shadow.bake) },
      steps: strategy.canary,
      bakeMs: durationMs(strategy.bake),
      onInsufficient: strategy.onInsufficient,
      virtual: environment.clock === 'virtual',
      notify: environment.clock === 'wall' && configuration.deploy.notify.length > 0,
    };
  };
}

async function evidenceOf(
  deps: ActivityDependencies,
  release: Release,
  champion: Release | null,
): Promise<Approval['evidence']> {
  const { versions, evaluations, datasets, code } = deps.repositories;
  const version = await versions.get(release.modelVersionId);
  const evaluation = await evaluations.get(release.evaluationId);
  return {
    schemaVersion: 1,
    modelVersion: version.number,
    championVersion: champion === null ? null : (await versions.get(champion.modelVersionId)).number,
    dataset: (await datasets.get(release.datasetVersionId)).number,
    code: (await code.get(release.codeVersionId)).number,
    evaluation: evaluation.body,
    rollbackTarget: champion?.digest ?? null,
  };
}
