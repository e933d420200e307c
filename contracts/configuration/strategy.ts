import { z } from 'zod';
import { Duration } from '../time/duration.ts';
import { MetricName } from '../models/metrics.ts';

export const CanaryMetric = z.strictObject({
  name: MetricName.describe('The metric of the canary'),
  max: z.number().optional().describe('The canary is rolled back above this value'),
  min: z.number().optional().describe('The canary is rolled back below this value'),
  minLabels: z.number().int().min(2).default(30).describe('With fewer labels the metric decides nothing'),
});
export type CanaryMetric = z.infer<typeof CanaryMetric>;

export const ShadowStep = z.strictObject({
  bake: Duration.default('5m').describe('Minimum duration of the shadow step'),
  minRows: z.number().int().min(1).default(50).describe('Number of rows that must be compared'),
  tolerance: z
    .number()
    .min(0)
    .default(0)
    .describe(
      "Largest accepted difference between the predictions of the champion and of the new release, in the target's unit; the share of rows that differ by more is reported",
    ),
  maxShareBeyond: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('The deployment ends if the share of rows beyond the tolerance is higher than this'),
  maxFailed: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe(
      'The deployment ends if the share of rows that the champion answered and the new release could not is higher than this',
    ),
});
export type ShadowStep = z.infer<typeof ShadowStep>;

export const Strategy = z.strictObject({
  shadow: ShadowStep.optional().describe(
    'A step before the first canary step: the champion answers all requests, and the new release receives a copy after each answer. The difference between their predictions is reported',
  ),
  canary: z
    .array(z.number().int().min(1).max(100))
    .min(1)
    .max(20)
    .refine(
      (steps) => steps.at(-1) === 100 && steps.every((step, i) => i === 0 || step > (steps[i - 1] ?? 0)),
      'must rise and end at 100, such as [10, 50, 100]',
    )
    .default([100])
    .describe('The percentage of requests that the new release answers in each step'),
  bake: Duration.default('5m').describe('How long each step lasts'),
  minRequests: z.number().int().min(0).default(50).describe('Number of requests that the canary must answer in a step'),
  onInsufficient: z
    .enum(['extend', 'proceed', 'abort'])
    .default('extend')
    .describe(
      'What happens if the canary has answered fewer requests than minRequests: wait longer, proceed to the next step, or abort the rollout',
    ),
  abortOn: z
    .strictObject({
      errorRate: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe(
          'The canary is rolled back if its error rate exceeds that of the champion by more than this, after at least three errors; requests on which both fail do not count',
        ),
      p99Ms: z
        .number()
        .gt(0)
        .optional()
        .describe(
          'The canary is rolled back if the 99th percentile of its latency, measured by the gateways in milliseconds, is higher than this; each step then needs at least 100 requests. In a rehearsal it decides nothing',
        ),
      metric: CanaryMetric.optional().describe(
        "The canary is rolled back if this metric is out of bounds; the metric covers the canary's answers in the current step that already have labels",
      ),
    })
    .prefault({})
    .describe('Conditions under which a canary is rolled back early'),
});
export type Strategy = z.infer<typeof Strategy>;
