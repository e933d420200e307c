import { z } from 'zod';
import { durationSpelling, mustParse } from './shift-instant.ts';

const century = 100 * 31_536e6;

/**
 * A duration such as `10m`, `72h`, `14 days` or `6 months`. It is at most 100 years, so that adding it to an instant
 * gives a valid date.
 */
export const Duration = z
  .string()
  .regex(durationSpelling, { error: 'expected a duration such as 10m, 72h, 14 days or 6 months', abort: true })
  .refine((text): boolean => durationMs(text) <= century, 'expected a duration of at most 100 years')
  .meta({ title: 'duration' });
export type Duration = z.infer<typeof Duration>;

/**
 * Returns the length in milliseconds. A month counts as 30 days and a year as 365, so callers must not need calendar
 * accuracy.
 */
export function durationMs(duration: string): number {
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

/** The fewest and the most days of one month or year. */
const calendarDays: Readonly<Record<string, readonly [number, number]>> = { months: [28, 31], years: [365, 366] };

/**
 * Returns whether `a` is shorter than `b` for every starting date, or `undefined` if that depends on the date, as for
 * 30 days and 1 month.
 */
export function isCertainlyShorter(a: Duration, b: Duration): boolean | undefined {
  const [monthsA, monthsB] = [monthsOf(a), monthsOf(b)];
  if (monthsA !== undefined && monthsB !== undefined) return monthsA < monthsB;
  const [shortestA, longestA] = extent(a);
  const [shortestB, longestB] = extent(b);
  if (longestA < shortestB) return true;
  return shortestA >= longestB ? false : undefined;
}

function monthsOf(duration: Duration): number | undefined {
  const { amount, unit } = mustParse(duration);
  if (unit === 'years') return amount * 12;
  return unit === 'months' ? amount : undefined;
}

function extent(duration: Duration): readonly [number, number] {
  const { amount, unit } = mustParse(duration);
  const days = calendarDays[unit];
  if (days) return [amount * days[0] * 864e5, amount * days[1] * 864e5];
  const length = durationMs(duration);
  return [length, length];
}

/** Returns a length such as `3 days 2 hours` or `14 minutes`: the two largest units, rounded down to minutes. */
export function lengthInWords(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 6e4);
  const parts = [
    [Math.floor(minutes / 1_440), 'day'],
    [Math.floor(minutes / 60) % 24, 'hour'],
    [minutes % 60, 'minute'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).slice(0, 2);
  return said.map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`).join(' ') || 'less than a minute';
}
