import type { z } from 'zod';
import type { StepGroup } from './step.ts';

/** One kind of run: its request, its workflow, its steps and its outcome. */
export interface Pipeline extends StepGroup {
  readonly kind: string;
  /** The Temporal workflow type: the name of a function in `workflows/`. */
  readonly workflow: string;
  /** How many steps from this pipeline's queue one worker runs at the same time. */
  readonly atOnce: number;
  /**
   * Whether an environment runs at most one run of this kind at a time, for example because such a run moves a head.
   */
  readonly oneAtATime: boolean;
  /**
   * Whether a run may wait for weeks, for votes, traffic or other runs. Before a step of such a run ends, it writes the
   * rows that refer to the blobs it stored, so that garbage collection keeps them. Runs of other kinds end within days;
   * their steps may pass blobs on by digest alone, because blobs stored since the start of such a run are kept until it
   * ends.
   */
  readonly waitsForWeeks: boolean;
  /** Steps whose answer is the outcome of the run. Empty if the workflow assembles the outcome itself. */
  readonly lastSteps: readonly string[];
  /** The schema of the run's request. Requests have a schema version. */
  readonly request: z.ZodObject;
  /** The schema of the outcome of a run that succeeded. */
  readonly outcome: z.ZodObject;
  /** Returns a sentence for people that describes the outcome. */
  describe(outcome: unknown): string;
}

export function pipeline<const Declared extends Pipeline>(declared: Declared): Declared {
  return declared;
}

/**
 * Returns the reasons as the end of a sentence, such as `: one reason; another`, or an empty text if there are none.
 */
export function becauseOf(reasons: readonly string[]): string {
  return reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
}
