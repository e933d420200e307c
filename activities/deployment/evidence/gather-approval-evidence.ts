import type { EvidenceDetails, Lineage } from '../../../contracts/serving/approval-evidence.ts';
import type { Evaluation } from '../../../contracts/models/evaluation.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Release } from '../../../contracts/serving/release.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { changedRows } from './changed-rows.ts';
import { codeDifference } from './code-difference.ts';
import { dataDifference } from './data-difference.ts';
import { rowDifference } from './row-difference.ts';
import { dependencyDifferences, valueDifferences } from './value-differences.ts';

/** Loads everything that a release consists of. */
async function partsOf({ repositories }: ActivityDependencies, release: Release) {
  const { versions, datasets, code, models } = repositories;
  return {
    version: await versions.get(release.modelVersionId),
    dataset: await datasets.get(release.datasetVersionId),
    code: await code.get(release.codeVersionId),
    configuration: await models.configuration(release.configurationId),
  };
}
type Parts = Awaited<ReturnType<typeof partsOf>>;

/**
 * Gathers what an approval request shows besides its evaluation. Evidence that cannot be gathered, for example because
 * the bytes of an old version were deleted, is listed as missing, and the request goes on.
 */
export async function gatherApprovalEvidence(
  deps: ActivityDependencies,
  release: Release,
  champion: Release | null,
): Promise<EvidenceDetails> {
  const now = await partsOf(deps, release);
  const before = champion === null ? null : await partsOf(deps, champion);
  const evaluation = await deps.repositories.evaluations.get(release.evaluationId);
  const missing: string[] = [];
  const attempt = attempting(missing);
  const code = await attempt('the differences in the code', () => codeDifference(deps, before?.code ?? null, now.code));
  const changed =
    before === null
      ? null
      : await attempt('the rows whose predictions change most', () =>
          changedRows(deps, {
            holdout: evaluation.body.holdout,
            version: now.version,
            champion: before.version,
            configuration: now.configuration.configuration,
          }),
        );
  const { compared, missing: notCompared } = await rowDifference(deps, before?.dataset ?? null, now.dataset);
  if (notCompared !== null) missing.push(notCompared);
  const parameters = ({ version }: Parts) => ({
    ...version.trainingKeyParts.params,
    seed: version.trainingKeyParts.seed,
  });
  return {
    schemaVersion: 1,
    changedRows: changed ?? null,
    data: {
      ...dataDifference(before?.dataset ?? null, now.dataset),
      ...(compared === null ? {} : { compared }),
    },
    code: { from: before?.code.number ?? null, to: now.code.number, files: code?.files ?? [] },
    parameters: before === null ? [] : valueDifferences(parameters(before), parameters(now)),
    dependencies: code === undefined ? [] : dependencyDifferences(code.lockBefore, code.lock),
    configuration:
      before === null ? [] : valueDifferences(before.configuration.configuration, now.configuration.configuration),
    lineage: await lineageOf(deps, now, evaluation),
    missing,
  };
}

function attempting(missing: string[]) {
  return async <Result>(what: string, work: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      return await work();
    } catch (caught) {
      // A retry may succeed, so the error is passed on to the caller.
      if (!(caught instanceof PerennialError) || caught.retryable) throw caught;
      missing.push(`${what}: ${caught.message}`);
      return undefined;
    }
  };
}

async function lineageOf(
  { repositories }: ActivityDependencies,
  { version, dataset, code, configuration }: Parts,
  evaluation: Evaluation,
): Promise<Lineage> {
  const { from, to, trainingRows, holdoutRows, unlabelled } = version.trained;
  const committer = await repositories.principals.get(code.recordedBy);
  return {
    dataset: { number: dataset.number, digest: dataset.digest },
    code: {
      number: code.number,
      digest: code.digest,
      recordedBy: committer.name,
      commit: code.origin.gitCommit ?? null,
    },
    configuration: { number: configuration.number, digest: configuration.digest },
    modelVersion: {
      number: version.number,
      artifact: version.artifact,
      trainingKey: version.trainingKey,
      seed: version.trainingKeyParts.seed,
    },
    trained: { from, to, trainingRows, holdoutRows, ...(unlabelled === undefined ? {} : { unlabelled }) },
    evaluation: { digest: evaluation.digest, environment: evaluation.environment },
  };
}
