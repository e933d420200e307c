import { z } from 'zod';

/** The parts of a strategy that the displayed rollout plan describes. Requests from older versions lack some keys. */
export const PlannedStrategy = z.object({
  canary: z.array(z.number()),
  bake: z.string(),
  minRequests: z.number(),
  onInsufficient: z.enum(['extend', 'proceed', 'abort']).default('extend'),
  shadow: z
    .object({
      bake: z.string(),
      minRows: z.number(),
      tolerance: z.number(),
      maxShareBeyond: z.number().optional(),
      maxFailed: z.number().optional(),
    })
    .optional(),
  abortOn: z
    .object({
      errorRate: z.number().optional(),
      p99Ms: z.number().optional(),
      metric: z
        .object({ name: z.string(), max: z.number().optional(), min: z.number().optional(), minLabels: z.number() })
        .optional(),
    })
    .default({}),
});
export type PlannedStrategy = z.infer<typeof PlannedStrategy>;
