import { PerennialError } from './errors.ts';

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly words?: readonly string[];
}

const fields = {
  minute: { name: 'minute', min: 0, max: 59 },
  hour: { name: 'hour', min: 0, max: 23 },
  day: { name: 'day of month', min: 1, max: 31 },
  month: { name: 'month', min: 1, max: 12, words: months },
  weekday: { name: 'day of week', min: 0, max: 7, words: weekdays },
} as const satisfies Record<string, Field>;
type FieldName = keyof typeof fields;
const fieldNames = ['minute', 'hour', 'day', 'month', 'weekday'] as const satisfies readonly FieldName[];

/** The values that each field names; Sunday is 0. A local time is due when all five fields hold it. */
export type CronValues = Readonly<Record<FieldName, ReadonlySet<number>>>;

const names: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

const dayMs = 24 * 60 * 60_000;
/** 29 February falls on each weekday once in 28 years, or once in 40 across a year such as 2100. */
export const longestPauseDays = 41 * 366;

/**
 * The five fields of a cron line: lists, ranges and steps, or a name such as `@daily`. `invalid-request` for a line that
 * Temporal would refuse or that no date ever matches. The check needs no connection to Temporal.
 */
export function canonicalCron(cron: string, pointer: string): string {
  const text = cron.trim();
  const line = names.get(text.toLowerCase()) ?? text.split(/\s+/).join(' ');
  const refused = complaintAboutName(text) ?? complaintAboutLine(line);
  if (refused !== undefined)
    throw new PerennialError('invalid-request', `the cron line "${cron}" ${refused}`, { pointer });
  return line;
}

function complaintAboutName(text: string): string | undefined {
  if (!text.startsWith('@') || names.has(text.toLowerCase())) return undefined;
  return `is none of the names ${[...names.keys()].join(', ')}: use one of them, or five fields, e.g. "*/5 * * * *" for every five minutes`;
}

function complaintAboutLine(line: string): string | undefined {
  const expected = 'expected "minute hour day month weekday", e.g. "0 3 1 * *"';
  const given = line.split(' ');
  if (given.length !== fieldNames.length) return `has ${given.length} fields and not 5: ${expected}`;
  for (const [index, name] of fieldNames.entries()) {
    const { min, max, name: called } = fields[name];
    const text = given[index] ?? '';
    if (!text.split(',').every((part) => rangeOf(fields[name], part) !== undefined))
      return `has "${text}" where the ${called} (${min} to ${max}) should be: ${expected}`;
  }
  return everMatches(cronValues(line))
    ? undefined
    : 'never fires: no date has that day, month and weekday; use a day that the month has';
}

function everMatches(values: CronValues): boolean {
  const first = Date.UTC(2000, 0, 1);
  for (let day = 0; day < longestPauseDays; day += 1) if (matchesDate(values, first + day * dayMs)) return true;
  return false;
}

/** Whether a date, given as its midnight read as UTC, has the day, the month and the weekday. */
export function matchesDate({ day, month, weekday }: CronValues, midnight: number): boolean {
  const date = new Date(midnight);
  return day.has(date.getUTCDate()) && month.has(date.getUTCMonth() + 1) && weekday.has(date.getUTCDay());
}

/** The values that each field of a valid line names. */
export function cronValues(cron: string): CronValues {
  const given = cron.trim().split(/\s+/);
  const valuesOf = (name: FieldName): ReadonlySet<number> => {
    const ranges = (given[fieldNames.indexOf(name)] ?? '').split(',').map((part) => rangeOf(fields[name], part));
    const values = ranges.flatMap((range) => (range === undefined ? [] : valuesIn(range)));
    return new Set(name === 'weekday' ? values.map((value) => value % 7) : values);
  };
  return {
    minute: valuesOf('minute'),
    hour: valuesOf('hour'),
    day: valuesOf('day'),
    month: valuesOf('month'),
    weekday: valuesOf('weekday'),
  };
}

/** A warning about a line that is easily misread; null if there is none. */
export function cronNote(cron: string): string | null {
  const { day, weekday } = cronValues(cron);
  if (day.size === 31 || weekday.size === 7) return null;
  const [, , days = '', , weekdaysGiven = ''] = cron.split(' ');
  return `fires only on dates that match both the day of month (${days}) and the weekday (${weekdaysGiven}); other cron programs take either one: set two schedules for that`;
}

interface Range {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

function rangeOf(field: Field, part: string): Range | undefined {
  const [range, every, ...rest] = part.split('/');
  if (range === undefined || rest.length > 0 || (every !== undefined && !/^[1-9]\d{0,2}$/.test(every)))
    return undefined;
  const step = Number(every ?? 1);
  if (range === '*' || range === '?') return { first: field.min, last: field.max, step };
  const ends = range.split('-').map((end) => valueOf(field, end));
  const [first, second] = ends;
  if (ends.length > 2 || first === undefined || ends.includes(undefined)) return undefined;
  // `5/15`: from the fifth to the end of the field.
  const last = second ?? (every === undefined ? first : field.max);
  return first <= last ? { first, last, step } : undefined;
}

function valuesIn({ first, last, step }: Range): number[] {
  const values: number[] = [];
  for (let value = first; value <= last; value += step) values.push(value);
  return values;
}

function valueOf({ min, max, words }: Field, text: string): number | undefined {
  const word = words?.indexOf(text.toLowerCase()) ?? -1;
  if (word !== -1) return word + (min === 1 ? 1 : 0);
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}
