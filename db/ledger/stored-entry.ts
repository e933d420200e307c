import type { Instant } from '../../contracts/identifiers.ts';
import type { StoredEntry } from '../../contracts/ledger/ledger-chain.ts';
import { toInstant } from '../connection/instants.ts';
import type { ledger } from './ledger-tables.ts';

/** An entry of the ledger as it stands, whoever wrote it. */
export function toStored(row: typeof ledger.$inferSelect): StoredEntry {
  return { ...row, recordedAt: sayable(row.recordedAt), effectiveAt: sayable(row.effectiveAt) };
}

/** Postgres keeps instants that ISO 8601 has no four-digit year for, `infinity` among them; no append wrote those. */
function sayable(date: Date): Instant {
  const year = date.getUTCFullYear();
  return toInstant(year >= 0 && year <= 9999 ? date : new Date(0));
}
