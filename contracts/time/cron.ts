import { PerennialError } from '../errors.ts';

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly words?: readonly string[];
  /**
   * Number of values after which the field starts again. Present for fields whose ranges may pass the end, such as
   * FRI-MON.
   */
  readonly round?: number;
}

const fields = {
  minute: { name: 'minute', min: 0, max: 59 },
  hour: { name: 'hour', min: 0, max: 23, round: 24 },
  day: { name: 'day of month', min: 1, max: 31 },
  month: { name: 'month', min: 1, max: 12, words: months, round: 12 },
  weekday: { name: 'day of week', min: 0, max: 7, words: weekdays, round: 7 },
} as const satisfies Record<string, Field>;
type FieldName = keyof typeof fields;
const fieldNames = ['minute', 'hour', 'day', 'month', 'weekday'] as const satisfies readonly FieldName[];

/**
 * The values of each field; Sunday is 0. A schedule is due at a local time if all five fields contain that time's
 * value.
 */
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
/**
 * The most days between two firings: 29 February falls on each weekday once in 28 years, or in 40 across a year such as
 * 2100.
 */
export const longestPauseDays = 41 * 366;

/**
 * Returns the five cron fields of a line, which may contain lists, ranges and steps, be a name such as `@daily`, or be
 * `@every 5m`. Throws `invalid-request` for a line that Temporal would refuse or that matches no date. The check needs
 * no connection to Temporal.
 */
export function canonicalCron(cron: string, pointer: string): string {
  const text = cron.trim().replaceAll(/\s+/g, ' ');
  const line = names.get(text.toLowerCase()) ?? lineOfInterval(text) ?? text;
  const refused = line.startsWith('@') ? complaintAboutName(line) : complaintAboutLine(line);
  if (refused !== undefined)
    throw new PerennialError('invalid-request', `the cron line "${cron}" ${refused}`, { pointer });
  return withoutRounds(line);
}

/**
 * Converts `@every 5m` or `@every 2h` to five fields if the interval divides an hour or a day evenly. Returns
 * `undefined` for other lines.
 */
function lineOfInterval(text: string): string | undefined {
  const [, count = '', unit] = /^@every (\d{1,4})(m|h)$/i.exec(text) ?? [];
  const minutes = Number(count) * (unit?.toLowerCase() === 'h' ? 60 : 1);
  if (minutes === 0) return undefined;
  if (minutes < 60) return 60 % minutes === 0 ? `*/${minutes} * * * *` : undefined;
  const hours = minutes / 60;
  if (24 % hours !== 0) return undefined;
  return hours === 24 ? '0 0 * * *' : hours === 1 ? '0 * * * *' : `0 */${hours} * * *`;
}

function complaintAboutName(text: string): string {
  if (/^@every\b/i.test(text))
    return 'does not divide an hour or a day evenly; use @every with 1m, 2m, 3m, 4m, 5m, 6m, 10m, 12m, 15m, 20m, 30m, 1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h, or five fields, such as "*/5 * * * *" for every five minutes';
  if (/^@reboot$/i.test(text))
    return 'stands for the start of a machine, which is not a time; use @daily for once a day, or start a build yourself with `perennial trigger`';
  return `is not one of the names ${[...names.keys()].join(', ')}; use one of them, or five fields, such as "*/5 * * * *" for every five minutes`;
}

const expected = 'expected "minute hour day month weekday", such as "0 3 1 * *"';

function complaintAboutLine(line: string): string | undefined {
  const given = line.split(' ');
  if (given.length !== fieldNames.length) {
    const more = given.length === 6 || given.length === 7 ? '; seconds and years are not supported' : '';
    return `has ${given.length} fields instead of 5; ${expected}${more}`;
  }
  for (const [index, name] of fieldNames.entries()) {
    const { min, max, name: called } = fields[name];
    const text = given[index] ?? '';
    const wrong = text.split(',').find((part) => rangeOf(fields[name], part) === undefined);
    if (wrong !== undefined)
      return `has "${text}" in the field "${called}" (${min} to ${max}); ${extension(wrong) ?? expected}`;
  }
  return everMatches(cronValues(line))
    ? undefined
    : 'never fires: no date has that day, month and weekday; use a day that the month has';
}

/** Explains syntax that only some cron programs support, and what to write instead. */
function extension(part: string): string | undefined {
  if (/^l(-\d+)?$/i.test(part) || /^\d+l$|^[a-z]{3}l$/i.test(part))
    return 'L, the last day, is not supported; use the first day of the next month, "0 0 1 * *"';
  if (part.includes('#'))
    return '#, the n-th weekday, is not supported; use the weekday with the seven days of the month that it can fall on, such as "0 0 8-14 * MON" for the second Monday';
  if (/^\d*l?w$/i.test(part))
    return 'W, the nearest working day, is not supported; use weekdays, such as "0 0 * * MON-FRI"';
  if (/^h([(/].*)?$/i.test(part)) return 'H, a random time, is not supported; name a minute and an hour';
  return undefined;
}

/** Writes ranges that pass the end of their field as lists, because Temporal does not support such ranges. */
function withoutRounds(line: string): string {
  const given = line.split(' ');
  return fieldNames
    .map((name, index) => {
      const parts = (given[index] ?? '').split(',');
      const ranges = parts.map((part) => rangeOf(fields[name], part));
      if (!ranges.some((range) => range !== undefined && range.last < range.first)) return given[index];
      const values = ranges.flatMap((range) => (range === undefined ? [] : valuesIn(range, fields[name])));
      return [...new Set(values)].toSorted((a, b) => a - b).join(',');
    })
    .join(' ');
}

function everMatches(values: CronValues): boolean {
  const first = Date.UTC(2000, 0, 1);
  for (let day = 0; day < longestPauseDays; day += 1) if (matchesDate(values, first + day * dayMs)) return true;
  return false;
}

/** Returns whether a date has the day, month and weekday. The date is given as its midnight in UTC. */
export function matchesDate({ day, month, weekday }: CronValues, midnight: number): boolean {
  const date = new Date(midnight);
  return day.has(date.getUTCDate()) && month.has(date.getUTCMonth() + 1) && weekday.has(date.getUTCDay());
}

/** Returns the values of each field of a valid line. */
export function cronValues(cron: string): CronValues {
  const given = cron.trim().split(/\s+/);
  const valuesOf = (name: FieldName): ReadonlySet<number> => {
    const ranges = (given[fieldNames.indexOf(name)] ?? '').split(',').map((part) => rangeOf(fields[name], part));
    const values = ranges.flatMap((range) => (range === undefined ? [] : valuesIn(range, fields[name])));
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

/** Returns a warning about a line that is easily misread, or null. */
export function cronNote(cron: string): string | null {
  const { day, weekday } = cronValues(cron);
  if (day.size === 31 || weekday.size === 7) return null;
  const [, , days = '', , weekdaysGiven = ''] = cron.split(' ');
  return `fires only on dates that match both the day of month (${days}) and the weekday (${weekdaysGiven}); other cron programs fire if either matches; for that, set two schedules`;
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
  // `5/15` is a step from 5 to the end of the field.
  const last = second ?? (every === undefined ? first : field.max);
  return first <= last || field.round !== undefined ? { first, last, step } : undefined;
}

function valuesIn({ first, last, step }: Range, { min, round }: Field): number[] {
  if (last >= first || round === undefined) return stepped(first, last, step);
  return stepped(first, last + round, step).map((value) => min + ((value - min) % round));
}

function stepped(first: number, last: number, step: number): number[] {
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
