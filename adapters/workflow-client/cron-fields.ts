import type { CalendarSpecDescription } from '@temporalio/client';
import { cronValues } from '../../contracts/time/cron.ts';

// Temporal converts a cron line into a calendar. To compare the two, both are written out as lists of values.

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Returns every minute, hour, day, month and weekday that a cron line of five fields names. */
export function calendarOfCron(cron: string): string {
  const { minute, hour, day, month, weekday } = cronValues(cron);
  return [minute, hour, day, month, weekday].map((values) => spelled([...values])).join(' ');
}

/** Returns the same text for the calendar that Temporal returns. */
export function calendarOfTemporal(calendar: CalendarSpecDescription): string {
  const { minute, hour, dayOfMonth, month, dayOfWeek } = calendar;
  const numbers = (ranges: readonly { start: number; end: number; step: number }[]) =>
    spelled(ranges.flatMap(({ start, end, step }) => stepped(start, Math.max(start, end), Math.max(1, step))));
  const named = (words: readonly string[], first: number) => (range: { start: string; end: string; step: number }) => ({
    start: words.indexOf(range.start.slice(0, 3).toLowerCase()) + first,
    end: words.indexOf(range.end.slice(0, 3).toLowerCase()) + first,
    step: range.step,
  });
  return [
    numbers(minute),
    numbers(hour),
    numbers(dayOfMonth),
    numbers(month.map(named(months, 1))),
    numbers(dayOfWeek.map(named(weekdays, 0))),
  ].join(' ');
}

function stepped(start: number, end: number, step: number): readonly number[] {
  const values: number[] = [];
  for (let value = start; value <= end; value += step) values.push(value);
  return values;
}

function spelled(values: readonly number[]): string {
  return [...new Set(values)].toSorted((a, b) => a - b).join(',');
}
