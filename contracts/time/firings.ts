import { DateTime, IANAZone } from 'luxon';
import type { CronValues } from './cron.ts';
import { cronValues, longestPauseDays, matchesDate } from './cron.ts';
import type { Instant } from '../identifiers.ts';

// Computes when a stored schedule fires. A local time that a clock change skips fires later by the length of the change,
// usually one hour. A local time that occurs twice fires at its first occurrence. A schedule for every hour follows elapsed
// time, so that no firing is moved or dropped. Temporal's own schedules differ: they do not fire at a skipped time, and
// fire twice at a repeated one.

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

export interface Timetable {
  readonly cron: string;
  readonly timezone: string;
}

/** Returns whether the schedule fires at exactly this instant. */
export function isDueAt({ cron, timezone }: Timetable, at: Instant): boolean {
  const instant = Date.parse(at);
  const days = daysAround(instant, timezone);
  const values = cronValues(cron);
  return days.some((day) => firingsOn(values, day, timezone).includes(instant));
}

/** Returns the next firings after an instant, at most `count`. */
export function nextFirings({ cron, timezone }: Timetable, after: Instant, count: number): readonly Instant[] {
  const values = cronValues(cron);
  const from = Date.parse(after);
  const found = new Set<number>();
  const first = localMidnight(from, timezone) - dayMs;
  for (let day = 0; day < longestPauseDays && found.size < count; day += 1)
    for (const instant of firingsOn(values, first + day * dayMs, timezone)) if (instant > from) found.add(instant);
  return [...found].slice(0, count).map(toInstant);
}

/** Returns the last firing between two instants, both included, or `undefined` if there is none. */
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

/** Returns an instant in the local time of the zone, such as `Tue 2026-12-01 03:00 -05:00`. */
export function firingInZone(firing: Instant, timezone: string): string {
  return DateTime.fromISO(firing, { zone: timezone, locale: 'en' }).toFormat('ccc yyyy-MM-dd HH:mm ZZ');
}

interface Kept extends Timetable {
  readonly paused: boolean;
  /** When the schedule was set. Firings that were due earlier are ignored. */
  readonly recordedAt: Instant;
  readonly lastFiredAt: Instant | null;
}

/** Returns the latest firing that was missed and must be made up for, or `undefined` if none was missed. */
export function owedFiring(schedule: Kept, upTo: Instant): Instant | undefined {
  const { paused, recordedAt, lastFiredAt } = schedule;
  if (paused) return undefined;
  const since = lastFiredAt !== null && lastFiredAt > recordedAt ? lastFiredAt : recordedAt;
  const due = lastFiring(schedule, since, upTo);
  return due === lastFiredAt ? undefined : due;
}

/**
 * Returns the firings on a local date in ascending order, without duplicates. `day` is the midnight of that date in
 * UTC.
 */
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

/**
 * Returns the instants of one local time. `offsets` are the UTC offsets in minutes before and after a clock change, or
 * the only offset.
 */
function instantsOf(local: number, zone: IANAZone, offsets: readonly number[], everyHour: boolean): readonly number[] {
  const candidates = offsets.map((offset) => local - offset * minuteMs);
  if (offsets.length === 1) return candidates;
  const valid = candidates.filter((instant) => instant + zone.offset(instant) * minuteMs === local);
  if (everyHour) return valid;
  // The clock skips this local time: with the offset from before the change, it moves later by the length of the
  // change.
  return valid.length === 0 ? candidates.slice(0, 1) : [Math.min(...valid)];
}

/** Returns the local date of an instant and the date before, because a skipped time may move past midnight. */
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
