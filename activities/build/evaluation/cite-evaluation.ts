import { sha256OfJson } from '../../../contracts/digest.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Evaluation, EvaluationBody } from '../../../contracts/models/evaluation.ts';
import type { ModelVersion } from '../../../contracts/models/model-version.ts';
import type { Activities } from '../../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';

/**
 * Commits the evaluation of a refitted version. Every row was used to train it, so no row is left to measure it on: the
 * evaluation repeats the numbers of the original version and names that evaluation in `cites`.
 */
export function createCiteEvaluation(deps: ActivityDependencies): Activities['citeEvaluation'] {
  return async ({ runId, scope, evaluationId, modelVersionId, reused }) => {
    const { versions, evaluations, runs } = deps.repositories;
    const [cited, refit] = await Promise.all([evaluations.get(evaluationId), versions.get(modelVersionId)]);
    const evaluated = await versions.get(cited.modelVersionId);
    if (cited.runId !== runId)
      throw new PerennialError('unproven', `evaluation ${evaluationId} was not made by run ${runId}`, { runId });
    if (refit.trainingKeyParts.refitOf !== evaluated.trainingKey)
      throw new PerennialError('internal', `version ${refit.number} is not a refit of version ${evaluated.number}`, {});
    const body = citing({ cited, evaluated, refit });
    const { recordedBy } = await runs.get(runId);
    const { championVersionId } = cited;
    const evaluation = await evaluations.commit(
      scope,
      { modelVersionId, championVersionId, digest: sha256OfJson(body), body },
      { runId, by: recordedBy },
    );
    const { number, trained } = refit;
    return {
      kind: 'build',
      decision: evaluation.body.verdict,
      modelVersionId,
      number,
      evaluationId: evaluation.id,
      reused,
      reasons: evaluation.body.reasons,
      unlabelled: trained.unlabelled,
    };
  };
}

/** Builds a refit's evaluation from that of the original version, because the refit cannot be measured itself. */
export function citing({
  cited,
  evaluated,
  refit,
}: {
  readonly cited: Evaluation;
  readonly evaluated: ModelVersion;
  readonly refit: ModelVersion;
}): EvaluationBody {
  return {
    ...cited.body,
    modelVersionDigest: refit.artifact,
    cites: { evaluation: cited.digest, modelVersion: evaluated.number, artifact: evaluated.artifact },
  };
}
