import { DateTime } from 'luxon';
import type { Instant } from '../identifiers.ts';

// This file does not import the zod schema of durations, so that short-lived processes need not load zod.

const units = ['milliseconds', 'seconds', 'minutes', 'hours', 'days', 'weeks', 'months', 'years'] as const;
type Unit = (typeof units)[number];
const abbreviations = new Map<string, Unit>([
  ['ms', 'milliseconds'],
  ['s', 'seconds'],
  ['m', 'minutes'],
  ['h', 'hours'],
  ['d', 'days'],
]);
export const durationSpelling = /^(\d{1,6})(?:(ms|s|m|h|d)| (second|minute|hour|day|week|month|year)s?)$/;

export interface CalendarDuration {
  readonly amount: number;
  readonly unit: Unit;
}

export function parseDuration(text: string): CalendarDuration | undefined {
  const [, amount, abbreviation = '', word = ''] = durationSpelling.exec(text) ?? [];
  const unit = abbreviations.get(abbreviation) ?? units.find((name) => name === `${word}s`);
  return unit === undefined ? undefined : { amount: Number(amount), unit };
}

export function mustParse(text: string): CalendarDuration {
  const parsed = parseDuration(text);
  if (!parsed) throw new RangeError(`"${text}" is not a duration such as 10m, 72h, 14 days or 6 months`);
  return parsed;
}

/**
 * Returns `instant + times × duration` by the calendar of `zone`: one month before the 31st is the last day of the
 * previous month. `times` is a whole number. Several months must be added in one call, because adding them one by one
 * would drift to a shorter month's last day.
 */
export function shiftInstant(instant: Instant, duration: string, times: number, zone: string): Instant {
  const { amount, unit } = mustParse(duration);
  const shifted = DateTime.fromISO(instant, { zone }).plus({ [unit]: times * amount });
  const text = shifted.toUTC().toISO();
  if (text === null) throw new RangeError(`cannot move ${instant} by ${duration} in ${zone}`);
  return text;
}
