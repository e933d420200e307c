import type { z } from 'zod';
import type { StepGroup } from './step.ts';

/** One kind of run: what it is asked, which workflow does it by which steps, and what comes of it. */
export interface Pipeline extends StepGroup {
  readonly kind: string;
  /** The workflow's type: the name of a function in workflows/. */
  readonly workflow: string;
  /** Steps of its queue that one worker does at once. */
  readonly atOnce: number;
  /** Whether an environment runs one of this kind at a time: it moves a head or takes a slot. */
  readonly oneAtATime: boolean;
  /**
   * Whether a run may wait for weeks, for votes, traffic or other runs. Each step of such a run writes the rows that name
   * what it stored before it ends, so nothing needs to be kept between steps. The steps of other kinds may hand on bytes by
   * digest alone; such a run ends within days, and what was stored since it began is kept until then.
   */
  readonly waitsForWeeks: boolean;
  /** Steps whose answer is the run's outcome; empty: the workflow puts the outcome together. */
  readonly lastSteps: readonly string[];
  /** What a run is asked to do; versioned. */
  readonly request: z.ZodObject;
  /** What came of a run that succeeded. */
  readonly outcome: z.ZodObject;
  /** The outcome in a sentence, for people. */
  describe(outcome: unknown): string;
}

export function pipeline<const Declared extends Pipeline>(declared: Declared): Declared {
  return declared;
}

/** `: one reason; another`, or nothing where there is none. */
export function becauseOf(reasons: readonly string[]): string {
  return reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
}
