import type { Instant } from '../../contracts/identifiers.ts';

export function toInstant(date: Date): Instant {
  return date.toISOString();
}

export function toInstantOrNull(date: Date | null): Instant | null {
  return date === null ? null : date.toISOString();
}

export function toDate(instant: Instant): Date {
  return new Date(instant);
}
