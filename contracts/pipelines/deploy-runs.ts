import { z } from 'zod';
import { Id, Sha256, shortDigest } from '../identifiers.ts';
import { trainingLimits } from './build-runs.ts';
import { becauseOf, pipeline } from './pipeline.ts';
import { type RunInput, stepOfRun } from './step.ts';

const outcome = z.object({
  kind: z.literal('deploy'),
  /** `refused`: by the gates, after a new evaluation against the current champion. `rejected`: by a vote. */
  decision: z.enum(['promoted', 'refused', 'rejected', 'expired', 'superseded', 'aborted']),
  /** null if the run was refused before it made a release. */
  releaseId: Id.nullable(),
  releaseDigest: Sha256.nullable(),
  generation: z.number().int().nullable(),
  reasons: z.array(z.string()),
});

const request = z.object({
  kind: z.literal('deploy'),
  schemaVersion: z.literal(1),
  evaluationId: Id,
  automated: z.boolean(),
  /** The digest that the release must have, because it was approved in another environment. */
  release: Sha256.optional(),
});

export interface RolloutFacts {
  readonly approvalId: Id;
  readonly releaseId: Id;
  readonly releaseDigest: Sha256;
  /** null if this is the environment's first release. */
  readonly championDigest: Sha256 | null;
  /** The shadow step before the first canary step; null if there is none. */
  readonly shadow: { readonly bakeMs: number } | null;
  readonly steps: readonly number[];
  readonly bakeMs: number;
  readonly onInsufficient: 'extend' | 'proceed' | 'abort';
  readonly virtual: boolean;
  /** Whether any connection is to be notified of the request. */
  readonly notify: boolean;
  /** Whether this request replaces one that was approved for an earlier champion. */
  readonly again: boolean;
}

export interface CanaryVerdict {
  readonly verdict: 'pass' | 'insufficient' | 'abort';
  readonly requests: number;
  readonly reason: string;
}

/** `reasons` are those of the gates that rejected the version. */
export interface Confirmation {
  readonly decision: 'candidate' | 'rejected';
  readonly reasons: string[];
}

interface Tally {
  readonly status: 'pending' | 'approved' | 'rejected' | 'expired' | 'superseded';
  readonly expiresInMs: number | null;
  /** Milliseconds until voters are reminded; null if they have been reminded. */
  readonly remindInMs: number | null;
}

type OfApproval = RunInput & { readonly approvalId: Id };
type OfGeneration = RunInput & { readonly generation: number };
type NotifyInput = OfApproval & { readonly about: 'requested' | 'requested-again' | 'reminded' };
type JudgeInput = OfGeneration & { readonly releaseDigest: Sha256 };

const theApproval = 'the approval belongs to this run';

// The steps read from the database what was approved, so no step needs the answer of another step as input.
export const deployRuns = pipeline({
  kind: 'deploy',
  workflow: 'deployPipeline',
  queue: 'deploy',
  limits: { attempt: '10m', altogether: '26h' },
  atOnce: 50,
  // Runs that wait for approval must not keep other deploy runs from starting.
  oneAtATime: false,
  waitsForWeeks: true,
  // The workflow assembles the outcome. The database compares it with the generations that the run raised
  // (db/runs/end-run.ts).
  lastSteps: [],
  request,
  outcome,
  describe: ({ decision, releaseDigest, generation, reasons }: z.infer<typeof outcome>) =>
    `${releaseDigest === null ? '' : `release ${shortDigest(releaseDigest)} `}${decision}${generation === null ? '' : ` in generation ${generation}`}${becauseOf(reasons)}`,
  steps: {
    /**
     * Returns the queue on which the version is evaluated again, or null if it was already evaluated against the
     * current champion.
     */
    queueOfConfirmation: stepOfRun<RunInput, { readonly queue: string | null }>({
      summary: 'choose the queue for a new evaluation, if the champion has changed',
      proves: 'only a progress message is written',
      limits: { attempt: '1m', altogether: '26h' },
    }),
    /**
     * Evaluates the version against the current champion, unless that was already done. Returns the decision of the
     * gates.
     */
    confirmEvaluation: stepOfRun<RunInput, Confirmation>({
      summary: 'evaluate the version against the current champion, unless this has been done already',
      proves:
        "the deploy run is under way; the version is the one in the request's evaluation; the champion is the one that serves",
      queue: 'train',
      limits: trainingLimits,
      apart: true,
    }),
    /**
     * `replaces` is the id of the approved request that this request replaces. Returns null if no approval was
     * requested, because the champion has changed since the version was evaluated.
     */
    requestApproval: stepOfRun<RunInput & { readonly replaces?: Id }, RolloutFacts | null>({
      summary: 'make the release and request its approval',
      proves:
        'the deploy run is under way; the release contains the version of the request and its evaluation against the champion that serves; an approval request that the new one replaces belongs to this run and was approved',
      apart: true,
    }),
    tallyApproval: stepOfRun<OfApproval, Tally>({ summary: 'count the votes', proves: theApproval }),
    /** A failed notification does not stop the deployment. */
    notifyOfApproval: stepOfRun<NotifyInput, { readonly told: readonly string[]; readonly failed: readonly string[] }>({
      summary: 'notify connections of the approval request',
      proves: theApproval,
    }),
    beginRollout: stepOfRun<RunInput, 'begun' | 'taken' | 'champion-changed' | 'superseded'>({
      summary: 'begin the rollout, if the champion is unchanged',
      proves:
        "the run's approval request is approved by its own votes; it names exactly this release, environment and strategy, under a policy as strict as the current one; it has not been used before; the champion is the one that it names",
    }),
    /**
     * Raises the generation to the next approved step of the run. `weight` 0 is the shadow step, 100 sends all requests
     * to the new release.
     */
    raiseGeneration: stepOfRun<RunInput & { readonly weight: number }, { readonly generation: number }>({
      summary: 'raise the generation to set the next weight',
      proves:
        'everything that `beginRollout` proves; the run holds the rollout; the weight is that of the next approved step; the previous step was loaded, has lasted its bake time and was judged just now; otherwise the error is `step-not-due`',
    }),
    /** Waits for at most a few seconds. Throws `gateways-absent` once `waitedMs` reaches the time limit for loading. */
    awaitGateways: stepOfRun<OfGeneration & { readonly waitedMs: number }, { readonly loaded: boolean }>({
      summary: 'wait until every live gateway has loaded the generation',
      proves: 'nothing is committed',
      alsoOf: ['rollback'],
    }),
    replayToCanary: stepOfRun<OfGeneration, void>({
      summary: 'replay rows until the canary or shadow has enough requests',
      proves:
        "the canary or shadow belongs to this run; the approved strategy sets the number of requests; rows are replayed only in a rehearsal's environment",
    }),
    /** With `withMetric` the labels are evaluated too, which is more expensive than counting requests. */
    judgeCanary: stepOfRun<JudgeInput & { readonly withMetric: boolean }, CanaryVerdict>({
      summary: 'judge the canary, once it has answered enough requests',
      proves: 'nothing is committed; `raiseGeneration` judges again',
    }),
    /** `requests` is the number of compared rows. `reason` describes the comparison, whatever the verdict. */
    judgeShadow: stepOfRun<JudgeInput, CanaryVerdict>({
      summary: 'judge the shadow, once enough rows are compared',
      proves: 'nothing is committed; `raiseGeneration` judges again',
    }),
    endRollout: stepOfRun<RunInput, void>({
      summary: 'end the rollout, so that another run can begin one',
      proves: 'the run holds the rollout and has no canary or shadow in the environment',
    }),
    abortRollout: stepOfRun<RunInput & { readonly reason: string }, { readonly generation: number | null }>({
      summary: 'undo the rollout, so that what served before serves alone',
      proves: 'the run holds the rollout',
    }),
  },
});
