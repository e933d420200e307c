import type { Column } from '../../../contracts/data/data-types.ts';
import { castCandidates, noType } from './casts.ts';
import type { Declared } from './declared.ts';
import type { Field } from './fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { Source } from '../reading/source.ts';
import { fits, numberLike } from './spellings.ts';
import { identifier } from '../sql.ts';
import type { Warn } from './warn.ts';

interface Typed {
  readonly fields: readonly Field[];
  readonly declared: Declared;
  readonly pinned: readonly Column[] | null;
}

/** Maximum number of columns in one query: planning time grows with the square of that number. */
const columnsAtOnce = 50;

/**
 * Warns of columns that have no type yet, and of text that looks like numbers but would lose information as numbers.
 */
export async function warnOfTypes(
  database: LockedDatabase,
  sources: readonly Source[],
  { fields, declared, pinned }: Typed,
  warn: Warn,
): Promise<void> {
  // The types of an existing dataset are already known.
  if (pinned !== null) return;
  const doubtful = openTexts(fields, declared);
  for (let start = 0; start < doubtful.length; start += columnsAtOnce) {
    const slice = doubtful.slice(start, start + columnsAtOnce);
    const counts = await countNumbers(database, sources, slice);
    for (const [at, { name }] of slice.entries()) {
      const { values, numbers } = counts[at] ?? none;
      if (values === 0) warn(withoutType(name));
      const type = sources
        .map(({ types }) => types?.get(name))
        .find((given) => given !== undefined && isTextOnlyHere(given));
      if (type !== undefined && values > 0) warn(keptFromParquet(name, type, values));
      if (numbers * 2 > values) warn(keptAsText(name, numbers, await whyNoNumbers(database, sources, name)));
    }
  }
}

/** Returns the text columns that nobody declared to be text. */
export function openTexts(fields: readonly Field[], declared: Declared): readonly Field[] {
  return fields.filter(
    ({ name, type }) => type === 'string' && !declared.types.has(name) && declared.expected.get(name) !== 'string',
  );
}

interface Counts {
  readonly values: number;
  /** Number of values that look like numbers. */
  readonly numbers: number;
}

const none: Counts = { values: 0, numbers: 0 };

async function countNumbers(
  database: LockedDatabase,
  sources: readonly Source[],
  slice: readonly Field[],
): Promise<readonly Counts[]> {
  let counts: readonly Counts[] = slice.map(() => none);
  for (const source of sources) {
    const found = await database.row(
      `SELECT ${slice.map(({ name }, at) => `count(${identifier(name)}) AS v${at}, ${isCsv(source) ? `count(*) FILTER (WHERE ${looksLikeNumber(identifier(name))})` : '0'} AS n${at}`).join(', ')} FROM ${source.table}`,
    );
    counts = counts.map(({ values, numbers }, at) => ({
      values: values + Number(found[`v${at}`]),
      numbers: numbers + Number(found[`n${at}`]),
    }));
  }
  return counts;
}

/** Returns whether a source is CSV. In JSON and Parquet, the file itself says which values are text. */
function isCsv({ text }: Source): boolean {
  return text !== undefined && text.delimiter !== null;
}

function looksLikeNumber(column: string): string {
  return `regexp_full_match(${column}, '${numberLike}')`;
}

interface Reason {
  readonly example: string | null;
  readonly reason: string;
}

/** Returns why a column is kept as text although most of its values look like numbers, with an example value. */
async function whyNoNumbers(database: LockedDatabase, sources: readonly Source[], name: string): Promise<Reason> {
  const column = identifier(name);
  const exampleOf = async (condition: string): Promise<string | null> => {
    for (const source of sources.filter(isCsv)) {
      const { example } = await database.row(
        `SELECT min(${column}) AS example FROM ${source.table} WHERE ${condition}`,
      );
      if (typeof example === 'string') return example;
    }
    return null;
  };
  const looks = looksLikeNumber(column);
  const lossy = await exampleOf(`${looks} AND NOT (${fits(column, 'BIGINT')} OR ${fits(column, 'DOUBLE')})`);
  if (lossy !== null)
    return { example: lossy, reason: `${JSON.stringify(lossy)} would not be kept exactly as a number` };
  const other = await exampleOf(`NOT ${looks}`);
  if (other !== null) return { example: null, reason: 'other values are not numbers' };
  const odd = await exampleOf(`NOT ${fits(column, 'BIGINT')}`);
  return {
    example: odd,
    reason: `${JSON.stringify(odd)} is not written as a whole number, and no value has a decimal point`,
  };
}

/** Returns whether values of a Parquet type are stored as text only if no number or time type holds them. */
function isTextOnlyHere(type: string): boolean {
  const candidates = castCandidates(type) ?? [];
  return candidates.length > 1 && type !== noType;
}

function keptFromParquet(name: string, type: string, values: number): Parameters<Warn>[0] {
  return {
    level: 'guess',
    kind: 'kept-as-text',
    column: name,
    count: values,
    example: type,
    message: `"${name}" is kept as text with all its digits, because its type ${type} has values that no number or time in Perennial can hold exactly; write it as a float or in microseconds if its exact value does not matter`,
  };
}

export function withoutType(name: string): Parameters<Warn>[0] {
  return {
    level: 'guess',
    kind: 'without-type',
    column: name,
    count: 0,
    example: null,
    message: `"${name}" has no value so far, so its type is not known; its first values decide, unless you set data.columns: { ${JSON.stringify(name)}: number }`,
  };
}

function keptAsText(name: string, numbers: number, { example, reason }: Reason): Parameters<Warn>[0] {
  return {
    level: 'guess',
    kind: 'kept-as-text',
    column: name,
    count: numbers,
    example,
    message: `"${name}" is kept as text, although ${numbers} of its values look like numbers: ${reason}; for numbers, set data.columns: { ${JSON.stringify(name)}: number }`,
  };
}
