import type { Evaluation } from '../../contracts/models/evaluation.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { Release } from '../../contracts/serving/release.ts';
import type { RunRequest } from '../../contracts/runs/run.ts';
import type { Run } from '../../contracts/runs/run.ts';
import type { RunInput } from '../../contracts/pipelines/step.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { runWithRequest } from '../steps/run-request.ts';

/** The version that a deployment proposes, and the champion that it would replace. */
export interface Candidacy {
  readonly run: Run;
  readonly request: Extract<RunRequest, { kind: 'deploy' }>;
  /** The evaluation that the deployment request names. */
  readonly asked: Evaluation;
  readonly champion: { readonly release: Release; readonly modelVersionId: Id } | null;
  /** An evaluation of the version against the current champion; undefined if the version must be measured again. */
  readonly standing: Evaluation | undefined;
}

/** Looks up the version that a deployment proposes, and its evaluation against the current champion if there is one. */
export async function candidacyOf(
  { repositories }: Pick<ActivityDependencies, 'repositories'>,
  { runId, scope }: RunInput,
): Promise<Candidacy> {
  const { deployments, evaluations, runs } = repositories;
  const { run, request } = await runWithRequest(runs, runId, 'deploy');
  const asked = await evaluations.get(request.evaluationId);
  const serving = await deployments.champion(scope);
  const championVersionId = serving?.slot.modelVersionId ?? null;
  const own = (await evaluations.ofRun(runId)).filter(({ modelVersionId }) => modelVersionId === asked.modelVersionId);
  return {
    run,
    request,
    asked,
    champion: serving === undefined ? null : { release: serving.release, modelVersionId: serving.slot.modelVersionId },
    standing: [...own, asked].find((evaluation) => evaluation.championVersionId === championVersionId),
  };
}
