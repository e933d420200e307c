import { z } from 'zod';
import { describeUnlabelled, UnlabelledRows } from '../data/unlabelled-rows.ts';
import { Id, Instant, type Sha256 } from '../identifiers.ts';
import { becauseOf, pipeline } from './pipeline.ts';
import { type KeptAnswer, type RunInput, stepOfRun, type TimeLimits } from './step.ts';

const outcome = z.object({
  kind: z.literal('build'),
  decision: z.enum(['candidate', 'rejected', 'unchanged']),
  modelVersionId: Id,
  number: z.number().int(),
  evaluationId: Id.nullable(),
  /** The training was found by its key, not run. */
  reused: z.boolean(),
  reasons: z.array(z.string()),
  /** Rows of the window without a target, which were left out; absent where every row has one. */
  unlabelled: UnlabelledRows.optional(),
});
export type BuildOutcome = z.infer<typeof outcome>;

const request = z.object({
  kind: z.literal('build'),
  schemaVersion: z.literal(1),
  datasetVersionId: Id.optional(),
  codeVersionId: Id.optional(),
  params: z.record(z.string(), z.json()).optional(),
  asOf: Instant,
  /** Automated builds go on to a deployment when they end as a candidate. */ automated: z.boolean(),
});

export interface ResolvedBuild {
  readonly plan: Sha256;
  /** A version with the same training key, if one was trained before. */
  readonly modelVersionId: Id | null;
  /** That version, or its refit, is the champion already. */
  readonly unchanged: boolean;
  /** With `build.refit`: what is trained again on the holdout too, once the version is a candidate; null: nothing is. */
  readonly refit: { readonly plan: Sha256; readonly modelVersionId: Id | null } | null;
}

interface EvaluateInput extends RunInput {
  readonly plan: Sha256;
  readonly modelVersionId: Id;
  readonly reused: boolean;
  readonly unchanged: boolean;
}

interface CiteInput extends RunInput {
  readonly evaluationId: Id;
  readonly modelVersionId: Id;
  readonly reused: boolean;
}

/** Training has its own time limit inside; these bound what went unnoticed. */
export const trainingLimits: TimeLimits = { attempt: '168h', altogether: '240h' };

export const buildRuns = pipeline({
  kind: 'build',
  workflow: 'buildPipeline',
  // In its place: the queue that the configuration names.
  queue: 'train',
  limits: trainingLimits,
  // Training is bounded by the machine, not by waiting.
  atOnce: 2,
  oneAtATime: true,
  waitsForWeeks: false,
  lastSteps: ['evaluateVersion', 'citeEvaluation'],
  request,
  outcome,
  describe: ({ number, decision, reused, reasons, unlabelled }: BuildOutcome) =>
    `version ${number} is ${decision}${reused ? ' (trained before)' : ''}${becauseOf(reasons)}${unlabelled === undefined ? '' : `; ${describeUnlabelled(unlabelled)}`}`,
  steps: {
    /** Asked on a queue that every worker polls, of builds that are for one that not every worker does. */
    queueOfBuild: stepOfRun<RunInput, { readonly queue: string }>({
      summary: 'which workers are to train it?',
      proves: 'only a progress message is written',
      queue: 'deploy',
      limits: { attempt: '1m', altogether: '26h' },
    }),
    materialiseEnvironment: stepOfRun<RunInput, { readonly interpreter: string; readonly platform: string }>({
      summary: "make the code's environment, once a lock",
      proves: "nothing is committed; the lock is the one of the build's code",
      keeps: (_, { interpreter, platform }) => [{ interpreter, platform }],
    }),
    resolveBuild: stepOfRun<RunInput & { readonly interpreter: string; readonly platform: string }, ResolvedBuild>({
      summary: 'fix the rows and the training key',
      proves: 'takes what `materialiseEnvironment` answered; nothing is committed',
      takes: ({ interpreter, platform }) => [[{ step: 'materialiseEnvironment', result: { interpreter, platform } }]],
      keeps: (_, { plan, modelVersionId, unchanged, refit }) => [
        { plan },
        { measured: plan },
        ...(modelVersionId === null ? [] : [{ measured: plan, modelVersionId, unchanged }]),
        ...(refit === null ? [] : [{ plan: refit.plan }]),
        ...(refit === null || refit.modelVersionId === null ? [] : [{ refitted: refit.modelVersionId }]),
      ],
    }),
    trainModel: stepOfRun<RunInput & { readonly plan: Sha256 }, { readonly trained: Sha256 }>({
      summary: 'run the training command',
      proves: 'takes what `resolveBuild` answered; the newest attempt holds the lease',
      takes: ({ plan }) => [[{ step: 'resolveBuild', result: { plan } }]],
      keeps: ({ plan }, { trained }) => [{ plan, trained }],
    }),
    commitVersion: stepOfRun<
      RunInput & { readonly plan: Sha256; readonly trained: Sha256 },
      { readonly modelVersionId: Id }
    >({
      summary: 'load the artifact apart, commit the version',
      proves:
        'takes what `trainModel` answered for the same plan; a build run is under way; the attempt holds its lease',
      apart: true,
      takes: ({ plan, trained }) => [[{ step: 'trainModel', result: { plan, trained } }]],
      keeps: ({ plan }, { modelVersionId }) => [{ plan, modelVersionId }, { modelVersionId }],
    }),
    evaluateVersion: stepOfRun<EvaluateInput, BuildOutcome>({
      summary: 'measure on the holdout, judge by the gates',
      proves:
        'takes what `resolveBuild` answered, and `commitVersion` for the plan with the holdout; a build run is under way; both versions are of this model',
      apart: true,
      takes: ({ plan, modelVersionId, reused, unchanged }) => {
        if (reused) return [[{ step: 'resolveBuild', result: { measured: plan, modelVersionId, unchanged } }]];
        const measured: KeptAnswer = { step: 'resolveBuild', result: { measured: plan } };
        return unchanged ? [] : [[measured, { step: 'commitVersion', result: { plan, modelVersionId } }]];
      },
      keeps: ({ reused }, evaluated) => [evaluated, { evaluationId: evaluated.evaluationId, reused }],
    }),
    /** The refitted version with an evaluation that cites the other's: what is deployed is this one. */
    citeEvaluation: stepOfRun<CiteInput, BuildOutcome>({
      summary: 'the refitted version cites the evaluation',
      proves:
        'takes what `evaluateVersion` answered, and `commitVersion` or `resolveBuild`; a build run is under way; the evaluation is of this run, the version a refit of the one measured',
      takes: ({ evaluationId, modelVersionId, reused }) =>
        [true, false].flatMap((evaluatedWasReused) => {
          const evaluated: KeptAnswer = {
            step: 'evaluateVersion',
            result: { evaluationId, reused: evaluatedWasReused },
          };
          const trained: KeptAnswer[] = [evaluated, { step: 'commitVersion', result: { modelVersionId } }];
          const known: KeptAnswer[] = [evaluated, { step: 'resolveBuild', result: { refitted: modelVersionId } }];
          if (!reused) return evaluatedWasReused ? [trained] : [trained, known];
          return evaluatedWasReused ? [known] : [];
        }),
      keeps: (_, cited) => [cited],
    }),
    /** What retention asks for, once a run; nothing that a release pins is ever let go. */
    expireRejectedVersions: stepOfRun<RunInput, { readonly blobs: number }>({
      summary: 'let go of rejected versions whose retention has passed',
      proves: 'a build run is under way; no release has the version',
      queue: 'monitor',
      limits: { attempt: '1h', altogether: '28h' },
    }),
  },
});
