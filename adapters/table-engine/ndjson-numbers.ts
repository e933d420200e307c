import type { Database } from './lockedDatabase.ts';
import { isExactNumber } from './spellings.ts';

/** A number of JSON that the nearest DOUBLE is not. */
export interface InexactNumber {
  readonly row: number;
  readonly value: string;
}

/**
 * The columns with a number of more digits than a DOUBLE holds, each with the first such number. DuckDB reads decimals as
 * the nearest DOUBLE, so that the text has to be looked at. Whole numbers keep all of their digits.
 */
export async function inexactNumbers(database: Database, lines: string): Promise<ReadonlyMap<string, InexactNumber>> {
  const tokens = `regexp_extract_all(json, '[0-9]+[.][0-9]+([eE][+-]?[0-9]+)?|[0-9][eE][+-]?[0-9]{3,}')`;
  const isInexact = `strlen(token) > 16 AND NOT ${isExactNumber('token', 'declared')}`;
  const doubtful = await database.connection.stream(
    `SELECT "_row"::DOUBLE, json::VARCHAR FROM ${lines} WHERE len(list_filter(${tokens}, lambda token: ${isInexact})) > 0 ORDER BY "_row"`,
  );
  const found = new Map<string, InexactNumber>();
  for await (const chunk of doubtful)
    for (const [row, json] of chunk.getRows())
      for (const [name, value] of inexactIn(String(json)))
        if (!found.has(name)) found.set(name, { row: Number(row), value });
  return found;
}

/** Text that looks like a number may stand within a string: only a parser tells them apart. */
function inexactIn(json: string): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  JSON.parse(json, (name: string, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source;
    if (typeof value === 'number' && source !== undefined && !isNearest(source, value)) found.push([name, source]);
    return value;
  });
  return found;
}

/** Whether the text is one that programs write for the number: its shortest form, or 17 or 19 digits of it. */
function isNearest(source: string, value: number): boolean {
  const digits = significantDigits(source);
  if (!/[.eE]/.test(source)) return true;
  return [String(value), value.toExponential(16), value.toExponential(18)].some(
    (text) => significantDigits(text) === digits,
  );
}

function significantDigits(text: string): string {
  const [mantissa = ''] = text.toLowerCase().split('e');
  return mantissa
    .replaceAll(/[^0-9]/g, '')
    .replace(/^0+/, '')
    .replace(/0+$/, '');
}
