import { firingInZone } from '../../contracts/time/firings.ts';
import type { Schedule } from '../../contracts/runs/schedule.ts';

/** Sentences for people: the next firings in the schedule's zone, and what is easily misread in its line. */
export function whenItFires({ name, timezone, nextRuns, note }: Schedule): readonly string[] {
  const firings = nextRuns.map((firing) => firingInZone(firing, timezone)).join(', ');
  return [
    ...(nextRuns.length > 0 ? [`${name} fires next, in ${timezone}, at ${firings}`] : []),
    ...(note === null ? [] : [`${name} ${note}`]),
  ];
}
