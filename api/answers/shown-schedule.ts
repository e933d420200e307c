import { cronNote } from '../../contracts/time/cron.ts';
import { nextFirings } from '../../contracts/time/firings.ts';
import type { Instant } from '../../contracts/identifiers.ts';
import type { Schedule, StoredSchedule } from '../../contracts/runs/schedule.ts';

const nextRunsShown = 5;

/** Returns a schedule with its next firings, and a note if its cron expression is easily misread. */
export function shownSchedule(schedule: StoredSchedule, now: Instant): Schedule {
  const nextRuns = schedule.paused ? [] : [...nextFirings(schedule, now, nextRunsShown)];
  return { ...schedule, nextRuns, note: cronNote(schedule.cron) };
}
