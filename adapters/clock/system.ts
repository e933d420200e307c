import type { Clock } from '../../ports/clock.ts';

/** Creates a clock that reads the system's time, in UTC with milliseconds. */
export function createSystemClock(): Clock {
  return { now: () => new Date().toISOString() };
}
