import type { Clock } from '../../ports/clock.ts';

/** Creates a clock that reads the system's time, in UTC with milliseconds. */
export function createSystemClock(): Clock {
  let last = { milliseconds: 0, text: new Date(0).toISOString() };
  return {
    now() {
      const milliseconds = Date.now();
      // Many requests in one millisecond share a text.
      if (milliseconds !== last.milliseconds) last = { milliseconds, text: new Date(milliseconds).toISOString() };
      return last.text;
    },
  };
}
