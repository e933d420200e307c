import { type BuildOutcome, buildRuns, type ResolvedBuild } from '../contracts/pipelines/build-runs.ts';
import type { PipelineInput } from '../contracts/runs/workflows.ts';
import { runPipeline } from './running/run-pipeline.ts';
import { stepsOf } from './running/step-proxies.ts';
import { tellCommit } from './running/tell-commit.ts';

type BuildSteps = ReturnType<typeof stepsOf<typeof buildRuns>>;

/**
 * Resolve → materialise → train, or reuse the version with the same training key → check the artifact → evaluate →
 * gates → refit.
 */
export async function buildPipeline(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  const build = async (): Promise<BuildOutcome> => {
    const { queue } = await stepsOf(buildRuns).queueOfBuild({ runId, scope });
    const train = stepsOf(buildRuns, queue);
    const environment = await train.materialiseEnvironment({ runId, scope });
    const resolved = await train.resolveBuild({ runId, scope, ...environment });
    const { plan, unchanged } = resolved;
    const reused = resolved.modelVersionId !== null;
    const modelVersionId = resolved.modelVersionId ?? (await trainAndCommit(input, train, plan));
    const evaluated = await train.evaluateVersion({ runId, scope, plan, modelVersionId, reused, unchanged });
    const outcome = await refitted(input, train, evaluated, resolved.refit);
    await train.expireRejectedVersions({ runId, scope });
    return outcome;
  };
  await tellCommit(input, () => runPipeline(input, build));
}

/**
 * Retrains a version on all rows if it passed its gates. Other versions are not refitted, because their quality would
 * be unknown.
 */
async function refitted(
  input: PipelineInput,
  train: BuildSteps,
  evaluated: BuildOutcome,
  refit: ResolvedBuild['refit'],
): Promise<BuildOutcome> {
  const { evaluationId, decision } = evaluated;
  if (refit === null || decision !== 'candidate' || evaluationId === null) return evaluated;
  const { runId, scope } = input;
  const modelVersionId = refit.modelVersionId ?? (await trainAndCommit(input, train, refit.plan));
  const reused = evaluated.reused && refit.modelVersionId !== null;
  return train.citeEvaluation({ runId, scope, evaluationId, modelVersionId, reused });
}

async function trainAndCommit({ runId, scope }: PipelineInput, train: BuildSteps, plan: string): Promise<string> {
  const { trained } = await train.trainModel({ runId, scope, plan });
  const { modelVersionId } = await train.commitVersion({ runId, scope, plan, trained });
  return modelVersionId;
}
