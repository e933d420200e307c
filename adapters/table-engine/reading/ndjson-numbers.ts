import type { LockedDatabase } from '../process/locked-database.ts';
import { jsonPointerOf } from './json-pointer.ts';
import { isExactNumber } from '../typing/spellings.ts';
import { literal } from '../sql.ts';

/** A JSON number that neither BIGINT nor DOUBLE holds exactly. */
export interface InexactNumber {
  readonly row: number;
  readonly value: string;
  /** Whether the number is whole. A whole number keeps all of its digits if its column is declared as text. */
  readonly isWhole: boolean;
}

/**
 * Returns the columns that have a number with more digits than its type holds, each with the first such number. DuckDB
 * reads decimals as the nearest DOUBLE, so the text itself must be examined.
 */
export async function inexactNumbers(
  database: LockedDatabase,
  lines: string,
): Promise<ReadonlyMap<string, InexactNumber>> {
  const tokens = `regexp_extract_all(json, '[0-9]+[.][0-9]+([eE][+-]?[0-9]+)?|[0-9][eE][+-]?[0-9]{3,}|[0-9]{19,}')`;
  const isLarge = `(regexp_full_match(token, '[0-9]{19,}') AND TRY_CAST(token AS BIGINT) IS NULL)`;
  const isInexact = `strlen(token) > 16 AND (${isLarge} OR NOT ${isExactNumber('token', 'declared')})`;
  const doubtful = await database.connection.stream(
    `SELECT "_row"::DOUBLE, json::VARCHAR FROM ${lines} WHERE len(list_filter(${tokens}, lambda token: ${isInexact})) > 0 ORDER BY "_row"`,
  );
  const [found, large] = [new Map<string, InexactNumber>(), new Map<string, InexactNumber>()];
  for await (const chunk of doubtful)
    for (const [row, json] of chunk.getRows())
      for (const { name, value, isWhole, isExact } of doubtfulIn(String(json))) {
        const numbers = isExact ? large : found;
        if (!numbers.has(name)) numbers.set(name, { row: Number(row), value, isWhole });
      }
  for (const [name, number] of large)
    if (!found.has(name) && !(await hasDecimals(database, lines, name))) found.set(name, number);
  return found;
}

/**
 * Returns whether a column has decimals. A whole number beyond 64 bits is a quantity in such a column, and may be a
 * DOUBLE. In a column of whole numbers only, it is an id, and every digit matters.
 */
async function hasDecimals(database: LockedDatabase, lines: string, name: string): Promise<boolean> {
  const cell = `CAST(json_extract(json, ${literal(jsonPointerOf(name))}) AS VARCHAR)`;
  const { has } = await database.row(
    `SELECT coalesce(bool_or(regexp_matches(${cell}, '[.eE]')), false) AS has FROM ${lines}`,
  );
  return has === true;
}

interface Doubtful {
  readonly name: string;
  readonly value: string;
  readonly isWhole: boolean;
  /** Whether this is a whole number beyond 64 bits that a DOUBLE holds exactly. */
  readonly isExact: boolean;
}

/**
 * Returns the numbers of a line that may not be kept exactly. Parses the JSON, because text that looks like a number
 * may be part of a string.
 */
function doubtfulIn(json: string): readonly Doubtful[] {
  const found: Doubtful[] = [];
  JSON.parse(json, (name: string, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source;
    if (typeof value !== 'number' || source === undefined) return value;
    const isWhole = !/[.eE]/.test(source);
    if (isWhole ? !isWhole64(source) : !isNearest(source, value))
      found.push({
        name,
        value: source,
        isWhole,
        isExact: isWhole && Number.isFinite(value) && BigInt(value) === BigInt(source),
      });
    return value;
  });
  return found;
}

/** Returns whether the text is a usual way to write the number: its shortest form, or 17 or 19 significant digits. */
function isNearest(source: string, value: number): boolean {
  const digits = significantDigits(source);
  return [String(value), value.toExponential(16), value.toExponential(18)].some(
    (text) => significantDigits(text) === digits,
  );
}

/**
 * Returns whether a whole number fits into 64 bits. Checks the length first, because parsing a very long number is
 * slow.
 */
function isWhole64(source: string): boolean {
  return source.length <= 20 && BigInt.asIntN(64, BigInt(source)) === BigInt(source);
}

function significantDigits(text: string): string {
  const [mantissa = ''] = text.toLowerCase().split('e');
  return mantissa
    .replaceAll(/[^0-9]/g, '')
    .replace(/^0+/, '')
    .replace(/0+$/, '');
}
