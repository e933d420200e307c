import { z } from 'zod';

/**
 * How much worse a version's answers become when one feature is shuffled over the rows of the holdout. The blob is
 * referenced by `EvaluationBody.importance`. `left` lists the features that were not measured within the time limit.
 */
export const PermutationImportance = z.object({
  schemaVersion: z.literal(1),
  /** The metric of `build.metric`. */
  metric: z.string(),
  /** The metric on the sampled rows without shuffling; null if the metric is undefined on them. */
  baseline: z.number().nullable(),
  /** Number of holdout rows sampled, and how often each feature was shuffled. */
  rows: z.number().int(),
  repeats: z.number().int(),
  seed: z.number().int(),
  /**
   * Sorted by `mean`, largest first. `mean` and `deviation` are in units of the metric; positive values mean that
   * shuffling makes the metric worse.
   */
  features: z.array(z.object({ name: z.string(), mean: z.number(), deviation: z.number() })),
  left: z.array(z.string()),
  /** Why some features were not measured; empty if all were. */
  reason: z.string(),
});
export type PermutationImportance = z.infer<typeof PermutationImportance>;
