import { z } from 'zod';

/** How the attempts of one step have ended so far. Each attempt passes this record to the next in its heartbeats. */
export const Attempts = z.object({
  schemaVersion: z.literal(1),
  /** Attempts that started but never reported an end: their worker died, or they timed out. */
  lost: z.number().int().min(0),
  /** Attempts that failed, by error code. */
  failed: z.record(z.string(), z.number().int().min(1)),
});
export type Attempts = z.infer<typeof Attempts>;

const none: Attempts = { schemaVersion: 1, lost: 0, failed: {} };

/** Parses the details of the last heartbeat; details of another shape count as no attempts. */
export function attemptsFrom(heartbeatDetails: unknown): Attempts {
  const parsed = Attempts.safeParse(heartbeatDetails);
  return parsed.success ? parsed.data : none;
}

/**
 * Counts the attempt that starts as lost until its end is reported, so that an attempt whose worker dies is counted.
 */
export function attemptBegun({ lost, ...before }: Attempts): Attempts {
  return { ...before, lost: lost + 1 };
}

export function attemptFailed(before: Attempts, code: string): Attempts {
  return { ...before, failed: { ...before.failed, [code]: (before.failed[code] ?? 0) + 1 } };
}
