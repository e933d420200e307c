import { DateTime } from 'luxon';
import { PerennialError } from './errors.ts';
import type { Instant } from './identifiers.ts';

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly words?: readonly string[];
}

const fields: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, words: months },
  { name: 'day of week', min: 0, max: 7, words: weekdays },
];

/**
 * Refuses a cron line that Temporal would refuse, with `invalid-request`: it is checked before anything is written,
 * and so also while Temporal is away. Five fields; lists, ranges and steps.
 */
export function checkCron(cron: string, pointer: string): void {
  const given = cron.trim().split(/\s+/);
  const complaint =
    given.length === fields.length
      ? fields.map((field, index) => complaintAbout(field, given[index] ?? '')).find((text) => text !== undefined)
      : `has ${given.length} fields and not 5`;
  if (complaint !== undefined)
    throw new PerennialError(
      'invalid-request',
      `the cron line "${cron}" ${complaint}: expected "minute hour day month weekday", e.g. "0 3 1 * *"`,
      { pointer },
    );
}

function complaintAbout(field: Field, text: string): string | undefined {
  return text.split(',').every((part) => isPart(field, part))
    ? undefined
    : `has "${text}" where the ${field.name} (${field.min} to ${field.max}) should be`;
}

function isPart(field: Field, part: string): boolean {
  return rangeOf(field, part) !== undefined;
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

function valueOf({ min, max, words }: Field, text: string): number | undefined {
  const word = words?.indexOf(text.toLowerCase()) ?? -1;
  if (word !== -1) return word + (min === 1 ? 1 : 0);
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

/** Whether a schedule of this line fires at the instant: all five fields of the local time match, at the full minute. */
export function isDueAt(cron: string, at: Instant, zone: string): boolean {
  const local = DateTime.fromISO(at, { zone });
  if (!local.isValid || local.second !== 0 || local.millisecond !== 0) return false;
  const weekday = local.weekday % 7;
  const values = [[local.minute], [local.hour], [local.day], [local.month], weekday === 0 ? [0, 7] : [weekday]];
  const given = cron.trim().split(/\s+/);
  return fields.every((field, index) =>
    (given[index] ?? '').split(',').some((part) => {
      const range = rangeOf(field, part);
      return values[index]?.some((value) => isIn(range, value)) === true;
    }),
  );
}

function isIn(range: Range | undefined, value: number): boolean {
  return range !== undefined && value >= range.first && value <= range.last && (value - range.first) % range.step === 0;
}
