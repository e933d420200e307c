import { z } from 'zod';

/**
 * How much worse a version answers when one feature is shuffled over the rows of the holdout; a blob that
 * `EvaluationBody.importance` names. Features that were not reached in time are `left`, and have no number.
 */
export const PermutationImportance = z.object({
  schemaVersion: z.literal(1),
  /** `build.metric`. */
  metric: z.string(),
  /** Of the rows that were sampled, unshuffled; null: the metric is not defined on them. */
  baseline: z.number().nullable(),
  /** Rows of the holdout that were sampled, and how often each feature was shuffled. */
  rows: z.number().int(),
  repeats: z.number().int(),
  seed: z.number().int(),
  /** Greatest first. `mean` and `deviation` are in units of the metric, positive where shuffling makes it worse. */
  features: z.array(z.object({ name: z.string(), mean: z.number(), deviation: z.number() })),
  left: z.array(z.string()),
  /** Why features were left; empty when none was. */
  reason: z.string(),
});
export type PermutationImportance = z.infer<typeof PermutationImportance>;
