import { z } from 'zod';
import { PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { Id, Sha256 } from '../../contracts/identifiers.ts';
import type { ModelVersion } from '../../contracts/models/model-version.ts';
import type { Viewer } from '../../contracts/access/principal.ts';
import { isGranted } from '../../contracts/access/principal.ts';
import type { Run } from '../../contracts/runs/run.ts';
import { RunStep } from '../../contracts/runs/run.ts';
import { TrainingKeyDifference, trainingKeyDifferences } from '../../contracts/models/training-key-differences.ts';
import type { Repositories } from '../../ports/repositories/repositories.ts';

/** Explains a build: what it reused, what it ran, and which inputs of its training differ from another version. */
export const BuildExplanation = z.object({
  runId: Id,
  state: z.string(),
  because: z.string(),
  decision: z.string().nullable(),
  reasons: z.array(z.string()),
  /** The version that the build created or reused; null while there is none. */
  version: z.object({ number: z.number().int(), trainingKey: Sha256 }).nullable(),
  /** Whether a version with the same training key existed, so that nothing was trained; null before that is decided. */
  reused: z.boolean().nullable(),
  /** Number of the evaluated version, if `version` is a refit of it. */
  refitOf: z.number().int().nullable(),
  ran: z.array(RunStep),
  comparedWith: z.object({ number: z.number().int(), as: z.enum(['champion', 'the version before']) }).nullable(),
  differences: z.array(TrainingKeyDifference),
  same: z.array(z.string()),
});
export type BuildExplanation = z.infer<typeof BuildExplanation>;

interface Asked {
  /** A version number or the id of a build run. */
  readonly build: string;
  readonly viewer: Viewer;
}

/**
 * Explains a build. A version belongs to all environments of its model, but its build to one, so the viewer needs
 * access to that environment too.
 */
export async function explainBuild(repositories: Repositories, scope: Scope, asked: Asked): Promise<BuildExplanation> {
  const run = await buildRun(repositories, scope, asked);
  const outcome = run.state === 'succeeded' && run.outcome.kind === 'build' ? run.outcome : null;
  const told = { runId: run.id, state: run.state, because: run.because, ran: run.steps };
  if (outcome === null) {
    const reasons = run.state === 'failed' ? [run.failure.message] : [];
    const nothing = { version: null, reused: null, refitOf: null, comparedWith: null, differences: [], same: [] };
    return { ...told, decision: null, reasons, ...nothing };
  }
  const version = await repositories.versions.get(outcome.modelVersionId);
  const { number, trainingKey, trainingKeyParts } = version;
  const other = await comparable(repositories, version, outcome.evaluationId);
  const { refitOf } = trainingKeyParts;
  const evaluated =
    refitOf === undefined ? undefined : await repositories.versions.byTrainingKey(scope.modelId, refitOf);
  return {
    ...told,
    decision: outcome.decision,
    reasons: outcome.reasons,
    version: { number, trainingKey },
    reused: outcome.reused,
    refitOf: evaluated?.number ?? null,
    comparedWith: other === null ? null : { number: other.version.number, as: other.as },
    ...(other === null
      ? { differences: [], same: [] }
      : trainingKeyDifferences(other.version.trainingKeyParts, trainingKeyParts)),
  };
}

async function buildRun({ runs, versions }: Repositories, scope: Scope, { build, viewer }: Asked): Promise<Run> {
  const isNumber = /^\d{1,9}$/.test(build);
  const runId = isNumber ? (await versions.byNumber(scope.modelId, Number(build))).runId : build;
  const run = await runs.get(runId);
  const isHere = run.modelId === scope.modelId && isGranted(viewer.grants, 'viewer', run);
  if (isHere && run.request.kind === 'build') return run;
  throw new PerennialError('not-found', `${scope.model} has no build ${build}; \`perennial runs\` lists them`, {
    build,
  });
}

interface Other {
  readonly version: ModelVersion;
  readonly as: 'champion' | 'the version before';
}

/**
 * Returns the version to compare with: the champion of the evaluation, or, if there was none, the newest earlier
 * version that is not the evaluated version of the same refit.
 */
async function comparable(
  { versions, evaluations }: Repositories,
  version: ModelVersion,
  evaluationId: string | null,
): Promise<Other | null> {
  const championId = evaluationId === null ? null : (await evaluations.get(evaluationId)).championVersionId;
  // A build without an evaluation found nothing changed, so the version is the champion itself.
  if (evaluationId === null) return { version, as: 'champion' };
  if (championId !== null) return { version: await versions.get(championId), as: 'champion' };
  const isRefit = version.trainingKeyParts.refitOf !== undefined;
  for (let number = version.number - 1; number > 0; number -= 1) {
    const earlier = await versions.byNumber(version.modelId, number);
    const ofSameRun = isRefit && earlier.trainingKey === version.trainingKeyParts.refitOf;
    if (!ofSameRun) return { version: earlier, as: 'the version before' };
  }
  return null;
}
