import { firingInZone } from '../../contracts/time/firings.ts';
import type { Schedule } from '../../contracts/runs/schedule.ts';

/**
 * Returns sentences for people: the next firings in the schedule's time zone, and a note on parts of its cron line that
 * are easily misread.
 */
export function whenItFires({ name, timezone, nextRuns, note }: Schedule): readonly string[] {
  const firings = nextRuns.map((firing) => firingInZone(firing, timezone)).join(', ');
  return [
    ...(nextRuns.length > 0 ? [`${name} fires next at ${firings} (${timezone})`] : []),
    ...(note === null ? [] : [`${name} ${note}`]),
  ];
}
