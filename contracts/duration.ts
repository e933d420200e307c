import { DateTime } from 'luxon';
import { z } from 'zod';
import type { Instant } from './identifiers.ts';

const units = { ms: 'milliseconds', s: 'seconds', m: 'minutes', h: 'hours', d: 'days' } as const;
const words = ['second', 'minute', 'hour', 'day', 'week', 'month', 'year'] as const;
const short = /^(\d{1,6})(ms|s|m|h|d)$/;
const long = new RegExp(`^(\\d{1,6}) (${words.join('|')})s?$`);

export interface CalendarDuration {
  readonly amount: number;
  readonly unit: 'milliseconds' | 'seconds' | 'minutes' | 'hours' | 'days' | 'weeks' | 'months' | 'years';
}

export function parseDuration(text: string): CalendarDuration | undefined {
  const abbreviated = short.exec(text);
  if (abbreviated) return { amount: Number(abbreviated[1]), unit: units[abbreviated[2] as keyof typeof units] };
  const spelled = long.exec(text);
  if (spelled) return { amount: Number(spelled[1]), unit: `${spelled[2] as (typeof words)[number]}s` };
  return undefined;
}

/** `10m`, `72h`, `14 days`, `6 months`. */
export const Duration = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, 'expected a duration such as 10m, 72h, 14 days or 6 months');
export type Duration = z.infer<typeof Duration>;

function mustParse(text: Duration): CalendarDuration {
  const parsed = parseDuration(text);
  if (!parsed) throw new RangeError(`"${text}" is not a duration such as 10m, 72h, 14 days or 6 months`);
  return parsed;
}

/** `instant + sign × duration`, by the calendar of `zone`: a month back from the 31st is the last day of the month before. */
export function shiftInstant(instant: Instant, duration: Duration, sign: 1 | -1, zone: string): Instant {
  const { amount, unit } = mustParse(duration);
  const shifted = DateTime.fromISO(instant, { zone }).plus({ [unit]: sign * amount });
  const text = shifted.toUTC().toISO();
  if (text === null) throw new RangeError(`cannot move ${instant} by ${duration} in ${zone}`);
  return text;
}

/** Length in milliseconds; months count 30 days and years 365, so only for durations that the calendar does not decide. */
export function durationMs(duration: Duration): number {
  const { amount, unit } = mustParse(duration);
  const length = {
    milliseconds: 1,
    seconds: 1e3,
    minutes: 6e4,
    hours: 36e5,
    days: 864e5,
    weeks: 6048e5,
    months: 2592e6,
    years: 31536e6,
  };
  return amount * length[unit];
}
