import { z } from 'zod';
import { Duration } from '../time/duration.ts';
import { MetricName } from '../models/metrics.ts';

export const CanaryMetric = z.strictObject({
  name: MetricName.describe('The metric'),
  max: z.number().optional().describe('It stops above'),
  min: z.number().optional().describe('It stops below'),
  minLabels: z.number().int().min(2).default(30).describe('With fewer labels it decides nothing'),
});
export type CanaryMetric = z.infer<typeof CanaryMetric>;

export const ShadowStep = z.strictObject({
  bake: Duration.default('5m').describe('How long it lasts at least'),
  minRows: z.number().int().min(1).default(50).describe('Rows that must have been compared'),
  tolerance: z
    .number()
    .min(0)
    .default(0)
    .describe("Predictions that differ by more, in the target's unit, are beyond it; the share of these is reported"),
  maxShareBeyond: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('A higher share of rows beyond the tolerance ends the deployment'),
  maxFailed: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('A higher share of rows that the champion answered and the new release could not ends the deployment'),
});
export type ShadowStep = z.infer<typeof ShadowStep>;

export const Strategy = z.strictObject({
  shadow: ShadowStep.optional().describe(
    'Before the first step the champion answers all, the new release is asked too, after the answer, and how they differ is reported',
  ),
  canary: z
    .array(z.number().int().min(1).max(100))
    .min(1)
    .max(20)
    .refine(
      (steps) => steps.at(-1) === 100 && steps.every((step, i) => i === 0 || step > (steps[i - 1] ?? 0)),
      'must rise and end at 100, e.g. [10, 50, 100]',
    )
    .default([100])
    .describe('The percentages of requests that the new release answers, step by step'),
  bake: Duration.default('5m').describe('How long each step lasts'),
  minRequests: z.number().int().min(0).default(50).describe('Requests that the canary must have answered in a step'),
  onInsufficient: z.enum(['extend', 'proceed', 'abort']).default('extend').describe('When a step has had fewer'),
  abortOn: z
    .strictObject({
      errorRate: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe(
          'A higher share of requests that the canary fails on and the champion does not, once there are three, rolls it back; the share of those that only the champion fails on is taken off',
        ),
      p99Ms: z
        .number()
        .gt(0)
        .optional()
        .describe(
          'A higher 99th percentile of the latency that gateways measure of the canary, in milliseconds, rolls it back; a step then wants 100 requests at least. Decides nothing in a rehearsal',
        ),
      metric: CanaryMetric.optional().describe(
        "A worse metric of the canary's answers in the step, over those whose labels have arrived, rolls it back",
      ),
    })
    .prefault({})
    .describe('What ends a canary early'),
});
export type Strategy = z.infer<typeof Strategy>;
