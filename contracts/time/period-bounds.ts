import { DateTime } from 'luxon';
import { PerennialError } from '../errors.ts';
import type { Instant } from '../identifiers.ts';
import type { RehearsalPlan } from '../runs/rehearsal.ts';

type Every = RehearsalPlan['every'];

const maxPeriods = 1_000;
const month = /^\d{4}-\d{2}$/;
const day = /^\d{4}-\d{2}-\d{2}$/;

/**
 * Returns the half-open bounds of whole periods from the texts that a person writes: `2011-07` and `2012-12` mean from
 * the start of the first month to the end of the last, and `2012-12-31` as `to` means the end of that day. An instant
 * means itself, in `zone` if it has no offset. Both bounds must be boundaries of periods: for months the start of a
 * month, for days and weeks the start of a day, and there must be a whole number of periods between them. Throws
 * `invalid-request`, which names the wrong bound.
 */
export function periodBounds(
  given: { readonly from: string; readonly to: string; readonly every: Every },
  zone: string,
): { readonly from: Instant; readonly to: Instant } {
  const from = boundaryOf(given.from, zone, 'from');
  const to = boundaryOf(given.to, zone, 'to');
  const unit = `${given.every}s` as const;
  for (const [bound, pointer] of [
    [from, '/from'],
    [to, '/to'],
  ] as const) {
    const boundary = given.every === 'month' ? 'month' : 'day';
    if (+bound !== +bound.startOf(boundary))
      throw wrong(pointer, `${bound.toISO()} is not the start of a ${boundary} in ${zone}`);
  }
  if (to <= from) throw wrong('/to', `the period from ${given.from} to ${given.to} is empty`);
  const periods = to.diff(from, unit).get(unit);
  if (periods > maxPeriods)
    throw wrong('/to', `the rehearsal would have ${Math.ceil(periods)} periods, and the maximum is ${maxPeriods}`);
  if (+from.plus({ [unit]: Math.round(periods) }) !== +to)
    throw wrong('/to', `from ${given.from} to ${given.to} is not a whole number of ${unit}`);
  return { from: instantOf(from), to: instantOf(to) };
}

function boundaryOf(text: string, zone: string, end: 'from' | 'to'): DateTime<true> {
  const parsed = DateTime.fromISO(text, { zone });
  if (!parsed.isValid)
    throw wrong(`/${end}`, `"${text}" is neither a month such as 2012-01, nor a date, nor an instant`);
  if (end === 'from') return parsed;
  if (month.test(text)) return parsed.plus({ months: 1 });
  return day.test(text) ? parsed.plus({ days: 1 }) : parsed;
}

function instantOf(time: DateTime<true>): Instant {
  return time.toUTC().toISO();
}

function wrong(pointer: string, message: string): PerennialError {
  return new PerennialError('invalid-request', message, { pointer });
}
