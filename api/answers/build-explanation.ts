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

/** Why a build did what it did: what it found made already, what it ran, and what of its training was new. */
export const BuildExplanation = z.object({
  runId: Id,
  state: z.string(),
  because: z.string(),
  decision: z.string().nullable(),
  reasons: z.array(z.string()),
  /** What it made or took; null while there is none. */
  version: z.object({ number: z.number().int(), trainingKey: Sha256 }).nullable(),
  /** Its training key was known, and nothing was trained; null while nothing is decided. */
  reused: z.boolean().nullable(),
  /** The version that was evaluated, where the version is its refit. */
  refitOf: z.number().int().nullable(),
  ran: z.array(RunStep),
  comparedWith: z.object({ number: z.number().int(), as: z.enum(['champion', 'the version before']) }).nullable(),
  differences: z.array(TrainingKeyDifference),
  same: z.array(z.string()),
});
export type BuildExplanation = z.infer<typeof BuildExplanation>;

interface Asked {
  /** The number of a version, or the id of a build run. */
  readonly build: string;
  readonly viewer: Viewer;
}

/** A version belongs to all environments of its model, its build to one: the viewer must see that one too. */
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

/** The champion that it was measured against; where there was none, the newest version from before it that is not its own evaluated one. */
async function comparable(
  { versions, evaluations }: Repositories,
  version: ModelVersion,
  evaluationId: string | null,
): Promise<Other | null> {
  const championId = evaluationId === null ? null : (await evaluations.get(evaluationId)).championVersionId;
  // What is unchanged is the champion itself.
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
