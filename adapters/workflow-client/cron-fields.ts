import type { CalendarSpecDescription } from '@temporalio/client';

// Temporal keeps a cron line as the calendar that it made of it. To compare the two, both are spelled out.

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface Field {
  readonly min: number;
  readonly max: number;
  readonly words: readonly string[];
}

const fields: readonly Field[] = [
  { min: 0, max: 59, words: [] },
  { min: 0, max: 23, words: [] },
  { min: 1, max: 31, words: [] },
  { min: 1, max: 12, words: months },
  { min: 0, max: 6, words: weekdays },
];

/** Every minute, hour, day, month and weekday that a cron line of five fields names. */
export function calendarOfCron(cron: string): string {
  const given = cron.trim().split(/\s+/);
  return fields
    .map((field, at) => spelled(given[at]?.split(',').flatMap((part) => partOf(field, part)) ?? []))
    .join(' ');
}

function partOf(field: Field, part: string): readonly number[] {
  const [range = '*', step] = part.split('/');
  if (range === '*' || range === '?') return stepped(field.min, field.max, Number(step ?? 1));
  const [first = '', last] = range.split('-');
  const start = valueOf(field, first);
  // `5/15` goes on to the end of the field.
  const end = last === undefined ? (step === undefined ? start : field.max) : valueOf(field, last);
  return stepped(start, end, Number(step ?? 1)).map((value) => (field.words === weekdays ? value % 7 : value));
}

function valueOf({ words, min }: Field, text: string): number {
  const word = words.indexOf(text.toLowerCase());
  return word === -1 ? Number(text) : word + min;
}

/** The same of the calendar that Temporal answers. */
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
