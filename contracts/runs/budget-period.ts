import { DateTime } from 'luxon';
import type { Instant } from '../identifiers.ts';

const budget = /^(\d{1,6}) per (day|week|month|year)$/;

/** `30 per month` at an instant: how many, and the calendar period of `zone` that they are counted in, half-open. */
export function budgetPeriod(
  text: string,
  now: Instant,
  zone: string,
): { readonly allowed: number; readonly from: Instant; readonly to: Instant } {
  const [, amount, unit] = budget.exec(text) ?? [];
  if (amount === undefined || !isUnit(unit)) throw new RangeError(`"${text}" is not a budget such as "30 per month"`);
  const begin = DateTime.fromISO(now, { zone }).startOf(unit);
  const end = begin.plus({ [`${unit}s`]: 1 });
  return {
    allowed: Number(amount),
    from: begin.toJSDate().toISOString(),
    to: end.toJSDate().toISOString(),
  };
}

function isUnit(text: string | undefined): text is 'day' | 'week' | 'month' | 'year' {
  return text === 'day' || text === 'week' || text === 'month' || text === 'year';
}
