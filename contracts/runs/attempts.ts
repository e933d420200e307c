import { z } from 'zod';

/** How the attempts of one step have ended so far. Each attempt passes this record to the next in its heartbeats. */
export const Attempts = z.object({
  schemaVersion: z.literal(1),
  /** Attempts that started but never reported an end: their worker died, or they timed out. */
  lost: z.number().int().min(0),
  /** Attempts that failed, by error code. */
  failed: z.record(z.string(), z.number().int().min(1)),
  /** Attempts that were cancelled, because their worker stopped; absent in records of older versions. */
  cancelled: z.number().int().min(0).optional(),
});
export type Attempts = z.infer<typeof Attempts>;

/**
 * Returns how the attempts before this one ended. Those that reported no end are lost: their number follows from the
 * number of this attempt, so an attempt need not report that it begins.
 *
 * @param heartbeatDetails the details of the last heartbeat; details of another shape count as none.
 * @param attempt number of this attempt, from 1.
 */
export function attemptsBefore(heartbeatDetails: unknown, attempt: number): Attempts {
  const parsed = Attempts.safeParse(heartbeatDetails);
  const { lost, failed, cancelled } = parsed.success ? parsed.data : { lost: 0, failed: {}, cancelled: 0 };
  const failures = Object.values(failed).reduce((sum, count) => sum + count, 0);
  const others = Math.max(0, attempt - 1 - failures);
  // An older version counted the lost attempts, and did not count the cancelled ones.
  if (cancelled === undefined) return { schemaVersion: 1, lost, failed, cancelled: Math.max(0, others - lost) };
  return { schemaVersion: 1, lost: Math.max(0, others - cancelled), failed, cancelled };
}

export function attemptFailed(before: Attempts, code: string): Attempts {
  return { ...before, failed: { ...before.failed, [code]: (before.failed[code] ?? 0) + 1 } };
}

export function attemptCancelled(before: Attempts): Attempts {
  return { ...before, cancelled: (before.cancelled ?? 0) + 1 };
}
