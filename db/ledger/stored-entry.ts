import type { Instant } from '../../contracts/identifiers.ts';
import type { StoredEntry } from '../../contracts/ledger/ledger-chain.ts';
import { toInstant } from '../connection/instants.ts';
import type { ledger } from './ledger-tables.ts';

/** Converts a stored row to a ledger entry, even if the row was forged. */
export function toStored(row: typeof ledger.$inferSelect): StoredEntry {
  return { ...row, recordedAt: sayable(row.recordedAt), effectiveAt: sayable(row.effectiveAt) };
}

/**
 * Replaces a date that ISO 8601 cannot write with a four-digit year, such as Postgres's `infinity`. No append wrote
 * such a date.
 */
function sayable(date: Date): Instant {
  const year = date.getUTCFullYear();
  return toInstant(year >= 0 && year <= 9999 ? date : new Date(0));
}
