import { z } from 'zod';
import { Id, Instant, Name } from './identifiers.ts';

export const ScheduleInput = z.strictObject({
  cron: z.string().min(9).max(100),
  timezone: z.string().default('UTC'),
  paused: z.boolean().default(false),
  overlap: z.enum(['skip', 'buffer-one', 'allow-all']).default('skip'),
});
export type ScheduleInput = z.infer<typeof ScheduleInput>;

/** A Temporal Schedule that sends the lifecycle a `schedule` trigger. */
export const Schedule = ScheduleInput.extend({
  modelId: Id,
  environment: Name,
  name: Name,
  nextRuns: z.array(Instant),
  recordedAt: Instant,
  recordedBy: Id,
});
export type Schedule = z.infer<typeof Schedule>;
