import { PerennialError } from '../../contracts/errors.ts';
import type { Evaluation } from '../../contracts/models/evaluation.ts';
import type { Id, Scope, Sha256 } from '../../contracts/identifiers.ts';
import { shortDigest } from '../../contracts/identifiers.ts';
import type { Viewer } from '../../contracts/access/principal.ts';
import type { RouteContext } from '../route-context.ts';

interface ToDeploy {
  readonly evaluationId: Id;
  /** Digest that the release must have; if absent, the release is made with the current configuration. */
  readonly release?: Sha256;
}

/**
 * Returns the version's newest evaluation in the environment. Throws `not-a-candidate` if there is none or if it
 * rejected the version. If the champion that it was compared with no longer serves, the verdict is not checked here,
 * because the deployment evaluates the version again.
 */
export async function versionToDeploy(
  context: RouteContext,
  scope: Scope,
  { number, viewer }: { readonly number: number; readonly viewer: Viewer },
): Promise<ToDeploy> {
  const { versions, evaluations } = context.repositories;
  const version = await versions.byNumber(scope.modelId, number);
  const evaluation = await evaluations.latest(scope, version.id);
  if (!evaluation) throw await neverEvaluated(context, scope, version, viewer);
  const champion = await context.repositories.deployments.champion(scope);
  if (evaluation.championVersionId === (champion?.slot.modelVersionId ?? null))
    mustBeCandidate(scope, number, evaluation);
  return { evaluationId: evaluation.id };
}

/**
 * Returns the evaluation of a release that was made for another environment. Throws `configuration-differs` unless the
 * release's configuration is the current one here, because it defines the gates, the approval policy and the strategy.
 * Throws `not-a-candidate` if the evaluation rejected the version.
 */
export async function releaseToDeploy(context: RouteContext, scope: Scope, digest: Sha256): Promise<ToDeploy> {
  const { deployments, evaluations, models, versions } = context.repositories;
  const release = await deployments.releaseByDigest(scope.modelId, digest);
  const { number: version } = await versions.get(release.modelVersionId);
  const heads = await models.heads(scope);
  if (heads.configurationId !== release.configurationId) {
    const made = await models.configuration(release.configurationId);
    const here = heads.configurationId === null ? null : await models.configuration(heads.configurationId);
    const has = here === null ? 'has no configuration' : `has configuration ${here.number}`;
    throw new PerennialError(
      'configuration-differs',
      `release ${shortDigest(digest)} of ${scope.model}, version ${version}, was made with configuration ${made.number}, but ${scope.environment} ${has}, so the evaluation of the release does not count in ${scope.environment}; apply the same perennial.yaml to ${scope.environment}, or build the model there`,
      { release: digest, environment: scope.environment, configuration: made.number, here: here?.number ?? null },
    );
  }
  const evaluation = await evaluations.get(release.evaluationId);
  mustBeCandidate(scope, version, evaluation);
  return { evaluationId: evaluation.id, release: digest };
}

function mustBeCandidate({ model }: Scope, version: number, { body }: Evaluation): void {
  if (body.verdict !== 'rejected') return;
  throw new PerennialError(
    'not-a-candidate',
    `version ${version} of ${model} was rejected: ${body.reasons.join('; ')}`,
    { version, reasons: body.reasons },
  );
}

async function neverEvaluated(
  { repositories }: RouteContext,
  { model, environment }: Scope,
  { id, number }: { readonly id: Id; readonly number: number },
  viewer: Viewer,
): Promise<PerennialError> {
  const elsewhere = [
    ...new Set((await repositories.evaluations.ofVersion(viewer, id)).map((told) => told.environment)),
  ];
  const [first] = elsewhere;
  const wayOut =
    first === undefined
      ? `build it in ${environment} first`
      : `it was evaluated in ${elsewhere.join(', ')}: if its release serves in ${first}, bring the release over with \`perennial promote --from ${first}\`; otherwise build the model in ${environment}`;
  return new PerennialError(
    'not-a-candidate',
    `version ${number} of ${model} was never evaluated in ${environment}; ${wayOut}`,
    {
      version: number,
      environment,
      evaluatedIn: elsewhere,
    },
  );
}
