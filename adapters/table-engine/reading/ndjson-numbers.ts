import type { LockedDatabase } from '../process/locked-database.ts';
import { jsonPointerOf } from './json-pointer.ts';
import { isExactNumber } from '../typing/spellings.ts';
import { literal } from '../sql.ts';

/** A number of JSON that neither a BIGINT nor the nearest DOUBLE is. */
export interface InexactNumber {
  readonly row: number;
  readonly value: string;
  /** As text, a whole number keeps all of its digits. */
  readonly isWhole: boolean;
}

/**
 * The columns with a number of more digits than its type holds, each with the first such number. DuckDB reads decimals as
 * the nearest DOUBLE, so that the text has to be looked at.
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

/** In a column with decimals, a whole number beyond 64 bits is a quantity. In a column of whole numbers it is an id, and all of its digits count. */
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
  /** A whole number beyond 64 bits that a DOUBLE holds. */
  readonly isExact: boolean;
}

/** Text that looks like a number may stand within a string: only a parser tells them apart. */
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

/** Whether the text is one that programs write for the number: its shortest form, or 17 or 19 digits of it. */
function isNearest(source: string, value: number): boolean {
  const digits = significantDigits(source);
  return [String(value), value.toExponential(16), value.toExponential(18)].some(
    (text) => significantDigits(text) === digits,
  );
}

/** A sign and 19 digits at most; reading many more as one number would take long. */
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
