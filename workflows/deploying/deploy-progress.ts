import type { RolloutFacts } from '../../contracts/pipelines/deploy-runs.ts';
import type { RunOutcome } from '../../contracts/runs/run.ts';
import type { PipelineInput } from '../../contracts/runs/workflows.ts';

/** The kinds of notification that voters get about a request. */
export type Telling = 'requested' | 'requested-again' | 'reminded';

/** The state of a deployment: everything that the next execution needs when the workflow continues as new. */
export type DeployProgress =
  /** `replaced`: the request that was approved before the champion changed; null if no approval was requested yet. */
  | { readonly phase: 'request'; readonly replaced: RolloutFacts | null }
  | { readonly phase: 'approval'; readonly facts: RolloutFacts; readonly told: readonly Telling[] }
  | { readonly phase: 'slot'; readonly facts: RolloutFacts }
  | Baking;

/** A shadow or canary step that is under way. */
export interface Baking {
  readonly phase: 'bake';
  readonly facts: RolloutFacts;
  /** Index in the weights of the rollout. */
  readonly step: number;
  readonly generation: number;
  /** Time at which the gateways had loaded the generation, in milliseconds of the workflow's clock. */
  readonly begunAt: number;
  /** Results of earlier steps, which the outcome will include. */
  readonly told: readonly string[];
}

export interface DeployInput extends PipelineInput {
  /** Phase in which to continue; absent to start from the beginning. */
  readonly at?: DeployProgress;
}

/** The context that each phase of a deployment gets. */
export interface Deployment {
  readonly input: DeployInput;
  /** Waits for a nudge or the timeout. If the history has grown long, continues as new from `at`. */
  wait(at: DeployProgress, timeoutMs: number): Promise<void>;
  /** Runs work concurrently with the phases. The workflow does not continue as new before this work is done. */
  beside(work: Promise<void>): void;
}

/** The next phase, or the outcome of the deployment. */
export type Next = DeployProgress | DeployOutcome;
export type DeployOutcome = Extract<RunOutcome, { kind: 'deploy' }>;

/** Returns the outcome of a deployment. `facts` is null if it was refused before an approval was requested. */
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
