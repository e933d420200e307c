import type { BuildPlan } from '../../../contracts/models/build-plan.ts';
import { sha256OfJson } from '../../../contracts/digest.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Evaluation } from '../../../contracts/models/evaluation.ts';
import type { ModelVersion } from '../../../contracts/models/model-version.ts';
import type { ConfigurationVersion } from '../../../contracts/models/model.ts';
import type { RunInput } from '../../../contracts/pipelines/step.ts';
import type { Activities } from '../../../contracts/pipelines/steps.ts';
import type { ActivityDependencies, StoringDependencies } from '../../activity-dependencies.ts';
import { citing } from './cite-evaluation.ts';
import { measureVersion } from './evaluate-version.ts';
import type { Candidacy } from '../../measurement/standing-evaluation.ts';
import { candidacyOf } from '../../measurement/standing-evaluation.ts';

/**
 * Measures a deployment's version again if the champion has changed since the version was measured. Uses the rows that
 * its build held out, and the gates of the configuration that it would be deployed under.
 */
export function createConfirmEvaluation(deps: StoringDependencies): Activities['confirmEvaluation'] {
  return async (input) => {
    const candidacy = await candidacyOf(deps, input);
    const { verdict, reasons } = (candidacy.standing ?? (await measureAgain(deps, input, candidacy))).body;
    return { decision: verdict, reasons };
  };
}

async function measureAgain(deps: StoringDependencies, input: RunInput, candidacy: Candidacy): Promise<Evaluation> {
  const { versions, models } = deps.repositories;
  const version = await versions.get(candidacy.asked.modelVersionId);
  const measured = await measuredFor(deps, version);
  const champion = candidacy.champion === null ? null : await versions.get(candidacy.champion.modelVersionId);
  await tell(deps, input, version, champion);
  const configuration = await models.currentConfiguration(input.scope);
  const body = await measureVersion(deps, {
    ...input,
    plan: planOf(measured, configuration, champion),
    version: measured,
    champion,
    configuration: configuration.configuration,
  });
  const cited = await commit(deps, input, candidacy, { version: measured, champion, body });
  if (measured.id === version.id) return cited;
  const citation = citing({ cited, evaluated: measured, refit: version });
  return commit(deps, input, candidacy, { version, champion, body: citation });
}

/**
 * Returns the version to measure: the version itself or, for a refit, the original version, because the refit was also
 * trained on the held-out rows.
 */
async function measuredFor(
  { repositories }: Pick<ActivityDependencies, 'repositories'>,
  version: ModelVersion,
): Promise<ModelVersion> {
  const { refitOf } = version.trainingKeyParts;
  if (refitOf === undefined) return version;
  const evaluated = await repositories.versions.byTrainingKey(version.modelId, refitOf);
  if (evaluated !== undefined) return evaluated;
  throw new PerennialError(
    'not-a-candidate',
    `version ${version.number} is the refit of a version that no longer exists, so it cannot be measured; build again`,
    { version: version.number },
  );
}

/** Returns the plan of the version's build, with the current gates and champion. */
function planOf(
  { trained, trainingKey, trainingKeyParts, datasetVersionId, codeVersionId }: ModelVersion,
  configuration: ConfigurationVersion,
  champion: ModelVersion | null,
): BuildPlan {
  return {
    schemaVersion: 1,
    asOf: trained.to,
    datasetVersionId,
    codeVersionId,
    configurationId: configuration.id,
    train: trainingKeyParts.training,
    holdout: trainingKeyParts.holdout,
    validation: null,
    trained,
    trainingKey,
    trainingKeyParts,
    championVersionId: champion?.id ?? null,
  };
}

async function tell(
  { repositories }: Pick<ActivityDependencies, 'repositories'>,
  { runId }: RunInput,
  version: ModelVersion,
  champion: ModelVersion | null,
): Promise<void> {
  const against =
    champion === null ? 'with no champion to compare with' : `against version ${champion.number}, the champion`;
  await repositories.runs.progress(runId, 0, `measures version ${version.number} again, ${against}`);
}

async function commit(
  { repositories }: Pick<ActivityDependencies, 'repositories'>,
  { runId, scope }: RunInput,
  { run }: Candidacy,
  {
    version,
    champion,
    body,
  }: { readonly version: ModelVersion; readonly champion: ModelVersion | null; readonly body: Evaluation['body'] },
): Promise<Evaluation> {
  return repositories.evaluations.commit(
    scope,
    { modelVersionId: version.id, championVersionId: champion?.id ?? null, digest: sha256OfJson(body), body },
    { runId, by: run.recordedBy },
  );
}
