import { z } from 'zod';
import { Id, Sha256, shortDigest } from '../identifiers.ts';
import { trainingLimits } from './build-runs.ts';
import { becauseOf, pipeline } from './pipeline.ts';
import { type RunInput, stepOfRun } from './step.ts';

const outcome = z.object({
  kind: z.literal('deploy'),
  /** refused: by the gates, measured against what serves; rejected: by a vote. */
  decision: z.enum(['promoted', 'refused', 'rejected', 'expired', 'superseded', 'aborted']),
  /** null: the run was refused before a release existed. */
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
  /** The release that it must be, as it was approved for another environment. */ release: Sha256.optional(),
});

export interface RolloutFacts {
  readonly approvalId: Id;
  readonly releaseId: Id;
  readonly releaseDigest: Sha256;
  /** null: the first release of the environment. */
  readonly championDigest: Sha256 | null;
  /** What the shadow step wants before the first step; null: there is none. */
  readonly shadow: { readonly bakeMs: number } | null;
  readonly steps: readonly number[];
  readonly bakeMs: number;
  readonly onInsufficient: 'extend' | 'proceed' | 'abort';
  readonly virtual: boolean;
  /** Whether anybody is to be told of the request. */
  readonly notify: boolean;
  /** Whether this request replaces one that was approved against an earlier champion. */
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
  /** Until voters are to be reminded; null: they have been. */
  readonly remindInMs: number | null;
}

type OfApproval = RunInput & { readonly approvalId: Id };
type OfGeneration = RunInput & { readonly generation: number };
type NotifyInput = OfApproval & { readonly about: 'requested' | 'requested-again' | 'reminded' };
type JudgeInput = OfGeneration & { readonly releaseDigest: Sha256 };

const theApproval = 'the approval belongs to this run';

// What is approved stands in the database, and is read there: no step takes what another answered.
export const deployRuns = pipeline({
  kind: 'deploy',
  workflow: 'deployPipeline',
  queue: 'deploy',
  limits: { attempt: '10m', altogether: '26h' },
  atOnce: 50,
  // A pending approval takes no slot.
  oneAtATime: false,
  waitsForWeeks: true,
  // Put together by the workflow: the database compares it with what the run has raised (db/runs/end-run.ts).
  lastSteps: [],
  request,
  outcome,
  describe: ({ decision, releaseDigest, generation, reasons }: z.infer<typeof outcome>) =>
    `${releaseDigest === null ? '' : `release ${shortDigest(releaseDigest)} `}${decision}${generation === null ? '' : ` in generation ${generation}`}${becauseOf(reasons)}`,
  steps: {
    /** The queue that measures the version again. null: the version was already measured against the current champion. */
    queueOfConfirmation: stepOfRun<RunInput, { readonly queue: string | null }>({
      summary: 'was it measured against what serves now? if not, which workers are to?',
      proves: 'only a progress message is written',
      limits: { attempt: '1m', altogether: '26h' },
    }),
    /** Measures the version against the current champion, unless that was already done. Returns the decision of the gates. */
    confirmEvaluation: stepOfRun<RunInput, Confirmation>({
      summary: 'measure again, against what serves now',
      proves:
        "a deploy run is under way; the version is the one in the request's evaluation, and the champion is the one that serves",
      queue: 'train',
      limits: trainingLimits,
      apart: true,
    }),
    /**
     * null: no approval was requested, because the champion has changed since the version was measured.
     *
     * `replaces`: id of the approved request that this request replaces.
     */
    requestApproval: stepOfRun<RunInput & { readonly replaces?: Id }, RolloutFacts | null>({
      summary: 'make the release, ask for its approval',
      proves:
        "a deploy run is under way; the release is of the request's version and rests on the evaluation against the champion that serves; a request that it replaces belongs to this run and was approved",
      apart: true,
    }),
    tallyApproval: stepOfRun<OfApproval, Tally>({ summary: 'count the votes', proves: theApproval }),
    /** Never keeps the deployment from going on. */
    notifyOfApproval: stepOfRun<NotifyInput, { readonly told: readonly string[]; readonly failed: readonly string[] }>({
      summary: 'tell whoever wants to know of the request',
      proves: theApproval,
    }),
    beginRollout: stepOfRun<RunInput, 'begun' | 'taken' | 'champion-changed' | 'superseded'>({
      summary: 'take the rollout, if what serves is unchanged',
      proves:
        'the approval of this run is approved by its own votes; it is about exactly this release, environment and strategy, under a policy as strict as the one that holds now; it was not used before; the champion is the one that it names',
    }),
    /** To the next step that was approved for the run: 0 is a shadow, 100 all of it. */
    raiseGeneration: stepOfRun<RunInput & { readonly weight: number }, { readonly generation: number }>({
      summary: 'raise the generation: new weights',
      proves:
        'all that `beginRollout` proves; the run holds the rollout; the weight is the next approved step; the step before was loaded, has lasted its bake, and was judged just now; otherwise the error is `step-not-due`',
    }),
    /** Waits for a few seconds at most. Throws `gateways-absent` once `waitedMs` reaches the time limit for loading. */
    awaitGateways: stepOfRun<OfGeneration & { readonly waitedMs: number }, { readonly loaded: boolean }>({
      summary: 'wait until every live gateway has it',
      proves: 'nothing is committed',
      alsoOf: ['rollback'],
    }),
    replayToCanary: stepOfRun<OfGeneration, void>({
      summary: 'replay rows until the canary has had enough',
      proves:
        "what is up belongs to this run; the strategy says how much is replayed; only a rehearsal's environment is replayed to",
    }),
    /** `withMetric`: look at the labels too, which is more work than counting. */
    judgeCanary: stepOfRun<JudgeInput & { readonly withMetric: boolean }, CanaryVerdict>({
      summary: 'has the canary answered enough, and well?',
      proves: 'nothing is committed: raising judges again',
    }),
    /** `requests` are rows that were compared; `reason` is what there is to report, whatever the verdict. */
    judgeShadow: stepOfRun<JudgeInput, CanaryVerdict>({
      summary: 'has the shadow been compared enough, and how does it differ?',
      proves: 'nothing is committed: raising judges again',
    }),
    endRollout: stepOfRun<RunInput, void>({
      summary: 'give the rollout back',
      proves: 'the run holds the rollout, and no canary or shadow of it is up',
    }),
    abortRollout: stepOfRun<RunInput & { readonly reason: string }, { readonly generation: number | null }>({
      summary: 'what served before serves alone again',
      proves: 'the run holds the rollout',
    }),
  },
});
