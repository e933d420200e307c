import type { Approval, ApprovalSubject } from '../../contracts/serving/approval.ts';
import { policyIn } from '../../contracts/serving/approval-policy.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import { durationMs } from '../../contracts/time/duration.ts';
import type { Environment } from '../../contracts/serving/environment.ts';
import type { Evaluation } from '../../contracts/models/evaluation.ts';
import type { ConfigurationVersion } from '../../contracts/models/model.ts';
import type { ModelVersion } from '../../contracts/models/model-version.ts';
import type { Release } from '../../contracts/serving/release.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { RolloutFacts } from '../../contracts/pipelines/deploy-runs.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { candidacyOf } from '../measurement/standing-evaluation.ts';
import { gatherApprovalEvidence } from './evidence/gather-approval-evidence.ts';
import { gatherWarnings } from './warnings/gather-warnings.ts';

/** Creates the Release and requests its approval, which is bound to the digest of everything that is approved. */
export function createRequestApproval(deps: ActivityDependencies): Activities['requestApproval'] {
  return async ({ runId, scope, replaces }) => {
    const { deployments, approvals, environments, models } = deps.repositories;
    const { run, request, champion, standing } = await candidacyOf(deps, { runId, scope });
    if (standing === undefined) return null;
    const release = await deployments.makeRelease(scope, standing.id, {
      runId,
      by: run.recordedBy,
      expected: request.release,
    });
    const environment = await environments.get(scope.project, scope.environment);
    const configuration = await models.configuration(release.configurationId);
    const { strategy, approval } = configuration.configuration.deploy;
    const subject: ApprovalSubject = {
      schemaVersion: 1,
      release: release.digest,
      environment: scope.environment,
      strategy,
      policy: policyIn(environment, approval),
      champion: champion?.release.digest ?? null,
    };
    const proposal: Proposal = { release, champion: champion?.release ?? null, evaluation: standing };
    const gathered = await gather(deps, proposal, { subject, environment, configuration });
    const asked = await approvals.request(scope, {
      runId,
      replaces,
      digest: sha256OfJson(subject),
      subject,
      ...gathered,
      by: run.recordedBy,
    });
    // A second attempt returns the request that the first one made.
    const requested = await deployments.releaseByDigest(scope.modelId, asked.subject.release);
    return factsOf(asked, requested, await models.configuration(requested.configurationId), environment);
  };
}

interface Proposal {
  readonly release: Release;
  readonly champion: Release | null;
  /** The evaluation against that champion. */
  readonly evaluation: Evaluation;
}

interface Ground {
  readonly subject: ApprovalSubject;
  readonly environment: Environment;
  readonly configuration: ConfigurationVersion;
}

/** Gathers the evidence of the request: its warnings, the measurements, and the differences from the champion. */
async function gather(deps: ActivityDependencies, proposal: Proposal, ground: Ground) {
  const { versions } = deps.repositories;
  const { release, champion, evaluation } = proposal;
  const version = await versions.get(release.modelVersionId);
  const replaced = champion === null ? null : await versions.get(champion.modelVersionId);
  const details = await gatherApprovalEvidence(deps, release, champion);
  const { warnings, missing } = await gatherWarnings(deps, {
    version,
    champion: replaced,
    evaluation,
    subject: ground.subject,
    environment: ground.environment,
    configuration: ground.configuration.configuration,
  });
  return {
    warnings,
    evidence: await evidenceOf(deps, proposal, { version, replaced }),
    details: { ...details, missing: [...details.missing, ...missing] },
  };
}

async function evidenceOf(
  { repositories }: ActivityDependencies,
  { release, champion, evaluation }: Proposal,
  { version, replaced }: { readonly version: ModelVersion; readonly replaced: ModelVersion | null },
): Promise<Approval['evidence']> {
  return {
    schemaVersion: 1,
    modelVersion: version.number,
    championVersion: replaced?.number ?? null,
    dataset: (await repositories.datasets.get(release.datasetVersionId)).number,
    code: (await repositories.code.get(release.codeVersionId)).number,
    evaluation: evaluation.body,
    rollbackTarget: champion?.digest ?? null,
  };
}

function factsOf(
  asked: Approval,
  release: Release,
  { configuration: { deploy } }: ConfigurationVersion,
  { clock }: Environment,
): RolloutFacts {
  const { shadow, canary, bake, onInsufficient } = deploy.strategy;
  return {
    approvalId: asked.id,
    releaseId: release.id,
    releaseDigest: release.digest,
    championDigest: asked.subject.champion,
    shadow: shadow === undefined ? null : { bakeMs: durationMs(shadow.bake) },
    steps: canary,
    bakeMs: durationMs(bake),
    onInsufficient,
    virtual: clock === 'virtual',
    notify: clock === 'wall' && deploy.notify.length > 0,
    again: asked.replaces !== null,
  };
}
