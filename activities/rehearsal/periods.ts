import { DateTime } from 'luxon';
import { shiftInstant } from '../../contracts/time/shift-instant.ts';
import type { Instant } from '../../contracts/identifiers.ts';
import type { RehearsalPlan } from '../../contracts/runs/rehearsal.ts';

export interface Period {
  readonly index: number;
  /** `2011-07` for months, `2011-07-04` for days and weeks. */
  readonly label: string;
  readonly from: Instant;
  readonly to: Instant;
}

const periodsAtMost = 5_000;

/**
 * Returns the plan's periods by the calendar of `timezone`. Each is computed from the plan's beginning, so that months
 * do not drift.
 */
export function periodsOf({ from, to, every }: RehearsalPlan, timezone: string): Period[] {
  const periods: Period[] = [];
  for (let index = 0; index < periodsAtMost; index += 1) {
    const begin = shiftInstant(from, `${index} ${every}s`, 1, timezone);
    const end = shiftInstant(from, `${index + 1} ${every}s`, 1, timezone);
    if (end > to) break;
    const label = DateTime.fromISO(begin, { zone: timezone }).toFormat(every === 'month' ? 'yyyy-MM' : 'yyyy-MM-dd');
    periods.push({ index, label, from: begin, to: end });
  }
  return periods;
}
