import type { Clock } from '../../ports/clock.ts';

/** The machine's own clock, in UTC with milliseconds. */
export function createSystemClock(): Clock {
  return { now: () => new Date().toISOString() };
}
