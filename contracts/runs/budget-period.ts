import { DateTime } from 'luxon';
import type { Instant } from '../identifiers.ts';

const budget = /^(\d{1,6}) per (day|week|month|year)$/;

/**
 * Parses a budget such as `30 per month` and returns the allowed number and the calendar period of `zone` that contains
 * `now` (half-open). Throws RangeError if the text is not a budget.
 */
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
