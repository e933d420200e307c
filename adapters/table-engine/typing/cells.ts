import { DuckDBDateValue, DuckDBTimestampTZValue, DuckDBTimestampValue, type DuckDBValue } from '@duckdb/node-api';
import type { Cell } from '../../../contracts/data/data-types.ts';

/**
 * Converts a DuckDB value for JSON: instants (TIMESTAMPTZ) become ISO text in UTC with milliseconds, naive timestamps
 * ISO text without a zone, dates `YYYY-MM-DD`, and integers beyond 2^53 text.
 */
export function cellOf(value: DuckDBValue): Cell {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return integerCell(value);
  if (value instanceof DuckDBTimestampTZValue) return isoText(value.micros, 3);
  if (value instanceof DuckDBTimestampValue)
    return isoText(value.micros, value.micros % 1000n === 0n ? 3 : 6).slice(0, -1);
  if (value instanceof DuckDBDateValue) return value.toString();
  return value.toString();
}

function integerCell(value: bigint): Cell {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function isoText(micros: bigint, digits: 3 | 6): string {
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  const date = new Date(Number((micros - rest) / 1000n));
  if (Number.isNaN(date.getTime())) return micros > 0n ? 'infinity' : '-infinity';
  const text = date.toISOString();
  return digits === 3 ? text : `${text.slice(0, -1)}${rest.toString().padStart(3, '0')}Z`;
}
