import { z } from 'zod';
import { Id, Instant, Name } from '../identifiers.ts';

export const ScheduleInput = z.strictObject({
  /** Five fields, a name such as `@daily`, or `@every 6h`. */
  cron: z.string().min(1).max(100),
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
  /** The next five firings according to the stored schedule; empty while it is paused. */
  nextRuns: z.array(Instant),
  /** A warning about a cron line that is easily misread. */
  note: z.string().nullable(),
  /** The due time of the latest firing that recorded a trigger. */
  lastFiredAt: Instant.nullable(),
  recordedAt: Instant,
  recordedBy: Id,
});
export type Schedule = z.infer<typeof Schedule>;

/** The stored fields. The other fields are derived from these. */
export type StoredSchedule = Omit<Schedule, 'nextRuns' | 'note'>;
