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
    .describe('Cron of five fields, a name such as @monthly, or @every 6h, in data.timezone'),
  on: z
    .array(TriggerKind.exclude(['manual', 'schedule']))
    .default([])
    .describe('What else leads to a build. Data of which nothing lies in data.window leads to none'),
  debounce: Duration.default('10m').describe(
    'Triggers that come closer together are one; a build waits at most ten of these',
  ),
  cooldown: Duration.default('24h').describe('Between two builds by automation'),
  budget: Budget.default('30 per month').describe(
    'Builds in a calendar period, those that people start by a trigger among them',
  ),
});
