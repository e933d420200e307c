import { DateTime, IANAZone } from 'luxon';
import type { CronValues } from './cron.ts';
import { cronValues, longestPauseDays, matchesDate } from './cron.ts';
import type { Instant } from '../identifiers.ts';

// Computes when a schedule fires from its row. A local time that the zone skips moves on by one hour, and one that occurs
// twice means the first occurrence; a line that names every hour follows elapsed time, so no firing is moved or dropped.
// Temporal differs: it does not fire at a skipped time and fires twice at a repeated one.

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

export interface Timetable {
  readonly cron: string;
  readonly timezone: string;
}

/** Whether the schedule fires at exactly this instant. */
export function isDueAt({ cron, timezone }: Timetable, at: Instant): boolean {
  const instant = Date.parse(at);
  const days = daysAround(instant, timezone);
  const values = cronValues(cron);
  return days.some((day) => firingsOn(values, day, timezone).includes(instant));
}

/** The next firings after an instant, at most `count`. */
export function nextFirings({ cron, timezone }: Timetable, after: Instant, count: number): readonly Instant[] {
  const values = cronValues(cron);
  const from = Date.parse(after);
  const found = new Set<number>();
  const first = localMidnight(from, timezone) - dayMs;
  for (let day = 0; day < longestPauseDays && found.size < count; day += 1)
    for (const instant of firingsOn(values, first + day * dayMs, timezone)) if (instant > from) found.add(instant);
  return [...found].slice(0, count).map(toInstant);
}

/** The last firing that is due between two instants, both included; undefined if there is none. */
export function lastFiring({ cron, timezone }: Timetable, since: Instant, upTo: Instant): Instant | undefined {
  const values = cronValues(cron);
  const earliest = Date.parse(since);
  const latest = Date.parse(upTo);
  const lastDay = localMidnight(earliest, timezone) - dayMs;
  for (let day = localMidnight(latest, timezone); day >= lastDay; day -= dayMs) {
    const due = firingsOn(values, day, timezone).findLast((instant) => instant <= latest && instant >= earliest);
    if (due !== undefined) return toInstant(due);
  }
  return undefined;
}

/** An instant as a clock in the zone shows it, such as `Tue 2026-12-01 03:00 -05:00`. */
export function firingInZone(firing: Instant, timezone: string): string {
  return DateTime.fromISO(firing, { zone: timezone, locale: 'en' }).toFormat('ccc yyyy-MM-dd HH:mm ZZ');
}

interface Kept extends Timetable {
  readonly paused: boolean;
  /** Ignores firings that were due before the schedule was set. */
  readonly recordedAt: Instant;
  readonly lastFiredAt: Instant | null;
}

/** The latest missed firing, which must be made up for; undefined if none was missed. */
export function owedFiring(schedule: Kept, upTo: Instant): Instant | undefined {
  const { paused, recordedAt, lastFiredAt } = schedule;
  if (paused) return undefined;
  const since = lastFiredAt !== null && lastFiredAt > recordedAt ? lastFiredAt : recordedAt;
  const due = lastFiring(schedule, since, upTo);
  return due === lastFiredAt ? undefined : due;
}

/** Ascending and without duplicates. `day`: the local date's midnight, read as UTC. */
function firingsOn(values: CronValues, day: number, timezone: string): readonly number[] {
  if (!matchesDate(values, day)) return [];
  const zone = IANAZone.create(timezone);
  const offsets = [...new Set([zone.offset(day - dayMs), zone.offset(day + 2 * dayMs)])];
  const everyHour = values.hour.size === 24;
  const instants = new Set<number>();
  for (const hour of values.hour)
    for (const minute of values.minute)
      for (const instant of instantsOf(day + (hour * 60 + minute) * minuteMs, zone, offsets, everyHour))
        instants.add(instant);
  return [...instants].toSorted((a, b) => a - b);
}

/** The instants of one local time. `offsets`: before and after the clock change, or the only one, in minutes. */
function instantsOf(local: number, zone: IANAZone, offsets: readonly number[], everyHour: boolean): readonly number[] {
  const candidates = offsets.map((offset) => local - offset * minuteMs);
  if (offsets.length === 1) return candidates;
  const valid = candidates.filter((instant) => instant + zone.offset(instant) * minuteMs === local);
  if (everyHour) return valid;
  // The clock skips this time: the offset before the change moves it on by the length of the change.
  return valid.length === 0 ? candidates.slice(0, 1) : [Math.min(...valid)];
}

/** The local day of an instant and the day before, because skipped times may move past midnight. */
function daysAround(instant: number, timezone: string): readonly number[] {
  const day = localMidnight(instant, timezone);
  return [day, day - dayMs];
}

function localMidnight(instant: number, timezone: string): number {
  const local = instant + IANAZone.create(timezone).offset(instant) * minuteMs;
  return Math.floor(local / dayMs) * dayMs;
}

function toInstant(instant: number): Instant {
  return new Date(instant).toISOString();
}
