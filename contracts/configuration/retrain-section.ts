import { z } from 'zod';
import { Duration } from '../time/duration.ts';
import { TriggerKind } from '../runs/trigger.ts';

export const Budget = z
  .string()
  .regex(/^\d{1,6} per (day|week|month|year)$/, 'expected a budget such as "30 per month"')
  .meta({ title: 'budget' });

export const RetrainSection = z.strictObject({
  schedule: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('A cron line of five fields, a name such as @monthly, or @every 6h, in data.timezone'),
  on: z
    .array(TriggerKind.exclude(['manual', 'schedule']))
    .default([])
    .describe('Other triggers that start a build. New data starts one only if some of the rows lie in data.window'),
  debounce: Duration.default('10m').describe(
    'Triggers that follow each other within this time start one build together; the build waits at most ten times as long',
  ),
  cooldown: Duration.default('24h').describe('Minimum time between two automated builds'),
  budget: Budget.default('30 per month').describe(
    'Maximum number of builds in a calendar period, including those that people start by a trigger',
  ),
});
