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
  /** True if an earlier version with the same training key was reused instead of training again. */
  reused: z.boolean(),
  reasons: z.array(z.string()),
  /** Rows of the window without a target, which were excluded. Absent if every row has a target. */
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
  /** An automated build that ends as a candidate is followed by a deployment. */ automated: z.boolean(),
});

export interface ResolvedBuild {
  readonly plan: Sha256;
  /** The earlier version with the same training key, if there is one. */
  readonly modelVersionId: Id | null;
  /** True if that version or its refit is already the champion. */
  readonly unchanged: boolean;
  /**
   * With `build.refit`: the second training, which includes the holdout and runs once the version is a candidate. null:
   * no refit.
   */
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

/** Training enforces its own, shorter time limit. These limits apply only if that one fails. */
export const trainingLimits: TimeLimits = { attempt: '168h', altogether: '240h' };

export const buildRuns = pipeline({
  kind: 'build',
  workflow: 'buildPipeline',
  // The default; the queue in `build.resources.queue` replaces it.
  queue: 'train',
  limits: trainingLimits,
  // Training is limited by the machine's resources, so more runs at once would not finish earlier.
  atOnce: 2,
  oneAtATime: true,
  waitsForWeeks: false,
  lastSteps: ['evaluateVersion', 'citeEvaluation'],
  request,
  outcome,
  describe: ({ number, decision, reused, reasons, unlabelled }: BuildOutcome) =>
    `version ${number} is ${decision}${reused ? ' (reused from an earlier build)' : ''}${becauseOf(reasons)}${unlabelled === undefined ? '' : `; ${describeUnlabelled(unlabelled)}`}`,
  steps: {
    /**
     * Returns the queue on which the build is trained. This step runs on a queue that every worker polls, because only
     * some workers may poll a training queue.
     */
    queueOfBuild: stepOfRun<RunInput, { readonly queue: string }>({
      summary: 'choose the queue to train on',
      proves: 'only a progress message is written',
      queue: 'deploy',
      limits: { attempt: '1m', altogether: '26h' },
    }),
    materialiseEnvironment: stepOfRun<RunInput, { readonly interpreter: string; readonly platform: string }>({
      summary: "create the code's environment, once per lock file",
      proves: "nothing is committed; the lock file is that of the build's code version",
      keeps: (_, { interpreter, platform }) => [{ interpreter, platform }],
    }),
    resolveBuild: stepOfRun<RunInput & { readonly interpreter: string; readonly platform: string }, ResolvedBuild>({
      summary: 'choose the rows and compute the training key',
      proves: 'the environment was returned by `materialiseEnvironment`; nothing is committed',
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
      proves: 'the plan was returned by `resolveBuild`; the newest attempt holds the training lease',
      takes: ({ plan }) => [[{ step: 'resolveBuild', result: { plan } }]],
      keeps: ({ plan }, { trained }) => [{ plan, trained }],
    }),
    commitVersion: stepOfRun<
      RunInput & { readonly plan: Sha256; readonly trained: Sha256 },
      { readonly modelVersionId: Id }
    >({
      summary: 'load the artifact in a process of its own and commit the version',
      proves:
        'the artifact was returned by `trainModel` for the same plan; the build run is under way; the attempt that trained it holds the training lease',
      apart: true,
      takes: ({ plan, trained }) => [[{ step: 'trainModel', result: { plan, trained } }]],
      keeps: ({ plan }, { modelVersionId }) => [{ plan, modelVersionId }, { modelVersionId }],
    }),
    evaluateVersion: stepOfRun<EvaluateInput, BuildOutcome>({
      summary: 'measure the version on the holdout and apply the gates',
      proves:
        'the input was returned by `resolveBuild`, and by `commitVersion` for the plan with the holdout; the build run is under way; the version and the champion belong to this model',
      apart: true,
      takes: ({ plan, modelVersionId, reused, unchanged }) => {
        if (reused) return [[{ step: 'resolveBuild', result: { measured: plan, modelVersionId, unchanged } }]];
        const measured: KeptAnswer = { step: 'resolveBuild', result: { measured: plan } };
        return unchanged ? [] : [[measured, { step: 'commitVersion', result: { plan, modelVersionId } }]];
      },
      keeps: ({ reused }, evaluated) => [evaluated, { evaluationId: evaluated.evaluationId, reused }],
    }),
    /**
     * Gives the refitted version an evaluation that cites the evaluation of the measured version. The refitted version
     * is the one to deploy.
     */
    citeEvaluation: stepOfRun<CiteInput, BuildOutcome>({
      summary: 'give the refitted version an evaluation that cites the evaluation of the original version',
      proves:
        'the input was returned by `evaluateVersion`, and by `commitVersion` or `resolveBuild`; the build run is under way; the evaluation belongs to this run; the version is a refit of the measured version',
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
    /**
     * Deletes rejected versions whose retention period has passed, once per run. Versions that a release refers to are
     * never deleted.
     */
    expireRejectedVersions: stepOfRun<RunInput, { readonly blobs: number }>({
      summary: 'delete rejected versions whose retention period has passed',
      proves: 'the build run is under way; no release refers to the version',
      queue: 'monitor',
      limits: { attempt: '1h', altogether: '28h' },
    }),
  },
});
