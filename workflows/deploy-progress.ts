import type { RolloutFacts } from '../activities/activity-types.ts';
import type { RunOutcome } from '../contracts/run.ts';
import type { PipelineInput } from '../contracts/workflows.ts';

/** What voters may be told of a request. */
export type Telling = 'requested' | 'requested-again' | 'reminded';

/** How far a deployment has come: all that the execution needs that goes on after this one. */
export type DeployProgress =
  /** `replaced` was approved for another champion than the one that serves by now; null: nothing was asked for yet. */
  | { readonly phase: 'request'; readonly replaced: RolloutFacts | null }
  | { readonly phase: 'approval'; readonly facts: RolloutFacts; readonly told: readonly Telling[] }
  | { readonly phase: 'slot'; readonly facts: RolloutFacts }
  | Baking;

/** A shadow or canary step that is up. */
export interface Baking {
  readonly phase: 'bake';
  readonly facts: RolloutFacts;
  /** Index in `stepsOf(facts)`. */
  readonly step: number;
  readonly generation: number;
  /** When the gateways had loaded it, in milliseconds of the workflow's clock. */
  readonly begunAt: number;
  /** What was measured in earlier steps, for the outcome. */
  readonly told: readonly string[];
}

export interface DeployInput extends PipelineInput {
  /** Absent: from the beginning. */
  readonly at?: DeployProgress;
}

/** What each phase of a deployment works with. */
export interface Deployment {
  readonly input: DeployInput;
  /** Waits for a nudge or the time. Goes on from `at` in a new execution if this one's history has grown long. */
  wait(at: DeployProgress, timeoutMs: number): Promise<void>;
  /** Does this beside the phases. The execution does not end for another one while it goes on. */
  beside(work: Promise<void>): void;
}

/** The next phase, or what became of the deployment. */
export type Next = DeployProgress | DeployOutcome;
export type DeployOutcome = Extract<RunOutcome, { kind: 'deploy' }>;

/** `facts` null: refused before there was anything to ask for. */
export function deployOutcome(
  facts: RolloutFacts | null,
  decision: DeployOutcome['decision'],
  generation: number | null,
  reasons: readonly string[],
): DeployOutcome {
  const releaseId = facts?.releaseId ?? null;
  const releaseDigest = facts?.releaseDigest ?? null;
  return { kind: 'deploy', decision, releaseId, releaseDigest, generation, reasons: [...reasons] };
}
