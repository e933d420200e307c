import type { StoredType } from './fields.ts';
import { type Reading, fits, fitsPlainly, isExactNumber } from './spellings.ts';

/** Conversion of a column's values to a stored type. */
export interface CastTo {
  /** SQL of the converted value; null if the value cannot be converted. */
  readonly value: string;
  /** SQL that is true for a value that the cast would lose or change. Absent if there can be no such value. */
  readonly misfit?: string;
  /**
   * SQL that is true for every misfit and possibly for other values. Given if it is much cheaper to plan than `misfit`.
   */
  readonly doubt?: string;
}

/**
 * Type of a column that its file declares as all null. The types of a file's columns are DuckDB's, this one, or
 * `instantInNanoseconds`.
 */
export const noType = 'NULL';
/** Type of a column of instants in nanoseconds, which is read as TIMESTAMP_NS in UTC. */
export const instantInNanoseconds = 'INSTANT_NS';

type Make = (name: string, reading: Reading) => CastTo | undefined;

const integers = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;
const smallIntegers = /^(TINYINT|SMALLINT|INTEGER|BIGINT|U(TINYINT|SMALLINT|INTEGER))$/;
const plainTimes = /^TIMESTAMP(_S|_MS)?$/;
/** Types whose values each have exactly one text form, so that they can be stored as text without loss. */
const kindsOfText = /^(VARCHAR|UUID|ENUM\b.*|TIME|TIME_NS|TIME WITH TIME ZONE)$/;
const scaleOf = /^DECIMAL\(\d+,\s*(\d+)\)$/;

/**
 * Returns the types that a Parquet column can be stored as, the most specific first; undefined for an unsupported type.
 */
export function castCandidates(type: string): readonly StoredType[] | undefined {
  if (type === noType) return inferenceOrder;
  if (kindsOfText.test(type)) return ['VARCHAR'];
  if (smallIntegers.test(type)) return ['BIGINT', 'DOUBLE'];
  if (integers.test(type)) return ['BIGINT', 'VARCHAR'];
  if (type === 'FLOAT' || type === 'DOUBLE') return ['DOUBLE'];
  const scale = scaleOf.exec(type)?.[1];
  if (scale !== undefined) return scale === '0' ? ['BIGINT', 'VARCHAR'] : ['DOUBLE', 'VARCHAR'];
  if (type === 'BOOLEAN' || type === 'DATE' || type === 'TIMESTAMP WITH TIME ZONE') return [type];
  if (plainTimes.test(type)) return ['TIMESTAMP'];
  if (type === 'TIMESTAMP_NS') return ['TIMESTAMP', 'VARCHAR'];
  if (type === instantInNanoseconds) return ['TIMESTAMP WITH TIME ZONE', 'VARCHAR'];
  return undefined;
}

/** Types from the most to the least specific. The inferred type of a column is the first that all of its values fit. */
export const inferenceOrder: readonly StoredType[] = [
  'BOOLEAN',
  'BIGINT',
  'DOUBLE',
  'DATE',
  'TIMESTAMP',
  'TIMESTAMP WITH TIME ZONE',
  'VARCHAR',
];

/** Returns whether the type has decimals, even if all values of the column are whole. */
export function holdsDecimals(type: string): boolean {
  return type === 'FLOAT' || type === 'DOUBLE' || (scaleOf.exec(type)?.[1] ?? '0') !== '0';
}

/**
 * Returns the cast of a column from its type to a stored type. If the two types have no values in common, every value
 * is a misfit. Conversions that only a declaration allows, such as from number to text, require the reading `declared`.
 */
export function castOf(type: string, stored: StoredType, name: string, reading: Reading): CastTo {
  if (type === stored) return { value: name };
  const made = type === noType ? undefined : makers[stored](type)?.(name, reading);
  if (made === undefined)
    return { value: `CAST(NULL AS ${stored})`, ...(type === noType ? {} : { misfit: `${name} IS NOT NULL` }) };
  // A missing value fits every type, but a condition over null is null and not false.
  const ofValues = (condition: string): string => `${name} IS NOT NULL AND ${condition}`;
  return {
    value: made.value,
    ...(made.misfit === undefined ? {} : { misfit: ofValues(made.misfit) }),
    ...(made.doubt === undefined ? {} : { doubt: ofValues(made.doubt) }),
  };
}

function plain(stored: StoredType, misfit?: (name: string) => string): Make {
  return (name) => ({
    value: `TRY_CAST(${name} AS ${stored})`,
    ...(misfit === undefined ? {} : { misfit: misfit(name) }),
  });
}

function ifDeclared(make: Make): Make {
  return (name, reading) => (reading === 'declared' ? make(name, reading) : undefined);
}

function fromText(stored: StoredType): Make {
  return (name, reading) => ({
    value: `TRY_CAST(${name} AS ${stored})`,
    misfit: `NOT ${fits(name, stored, reading)}`,
    ...(stored === 'DOUBLE' ? { doubt: `NOT ${fitsPlainly(name, reading)}` } : {}),
  });
}

const makers: Readonly<Record<StoredType, (type: string) => Make | undefined>> = {
  BOOLEAN: (type) => {
    if (type === 'VARCHAR') return fromText('BOOLEAN');
    if (integers.test(type) || type === 'DOUBLE')
      return ifDeclared(plain('BOOLEAN', (name) => `${name} NOT IN (0, 1)`));
    return undefined;
  },
  BIGINT: (type) => {
    if (type === 'VARCHAR') return fromText('BIGINT');
    if (smallIntegers.test(type)) return plain('BIGINT');
    if (integers.test(type)) return plain('BIGINT', (name) => `TRY_CAST(${name} AS BIGINT) IS NULL`);
    // Beyond 2^53, a DOUBLE without decimals may stand for another whole number.
    if (type === 'FLOAT' || type === 'DOUBLE')
      return plain(
        'BIGINT',
        (name) => `NOT (isfinite(${name}) AND trunc(${name}) = ${name} AND abs(${name}) <= 9007199254740992)`,
      );
    if (scaleOf.test(type))
      return plain('BIGINT', (name) => `NOT (trunc(${name}) = ${name} AND TRY_CAST(${name} AS BIGINT) IS NOT NULL)`);
    return type === 'BOOLEAN' ? ifDeclared(plain('BIGINT')) : undefined;
  },
  DOUBLE: (type) => {
    if (type === 'VARCHAR') return fromText('DOUBLE');
    if (type === 'FLOAT') return plain('DOUBLE');
    if (integers.test(type)) return plain('DOUBLE', inexact);
    if (scaleOf.test(type))
      return plain('DOUBLE', (name) => `NOT ${isExactNumber(`CAST(${name} AS VARCHAR)`, 'as-written')}`);
    return type === 'BOOLEAN'
      ? ifDeclared((name) => ({ value: `CAST(CAST(${name} AS INTEGER) AS DOUBLE)` }))
      : undefined;
  },
  DATE: (type) => {
    if (type === 'VARCHAR') return fromText('DATE');
    if (type.startsWith('TIMESTAMP') && type !== 'TIMESTAMP WITH TIME ZONE')
      return ifDeclared(
        plain('DATE', (name) => `CAST(CAST(${name} AS DATE) AS TIMESTAMP) <> CAST(${name} AS TIMESTAMP)`),
      );
    return undefined;
  },
  TIMESTAMP: (type) => {
    if (type === 'VARCHAR') return fromText('TIMESTAMP');
    if (type === 'DATE') return ifDeclared(plain('TIMESTAMP'));
    if (plainTimes.test(type)) return plain('TIMESTAMP');
    if (type === 'TIMESTAMP_NS') return plain('TIMESTAMP', losesNanoseconds);
    return undefined;
  },
  'TIMESTAMP WITH TIME ZONE': (type) => {
    if (type === 'VARCHAR') return fromText('TIMESTAMP WITH TIME ZONE');
    if (type === instantInNanoseconds)
      return (name) => ({ value: `timezone('UTC', CAST(${name} AS TIMESTAMP))`, misfit: losesNanoseconds(name) });
    return undefined;
  },
  VARCHAR: (type) => {
    if (type === instantInNanoseconds) return (name) => ({ value: `CAST(${name} AS VARCHAR) || '+00'` });
    if (kindsOfText.test(type) || type === 'TIMESTAMP_NS' || scaleOf.test(type)) return plain('VARCHAR');
    if (integers.test(type) && !smallIntegers.test(type)) return plain('VARCHAR');
    return ifDeclared(plain('VARCHAR'));
  },
};

/** Returns SQL that is true for a whole number that a DOUBLE does not hold exactly. */
function inexact(name: string): string {
  return `CAST(CAST(${name} AS DOUBLE) AS HUGEINT) <> TRY_CAST(${name} AS HUGEINT)`;
}

function losesNanoseconds(name: string): string {
  return `epoch_ns(${name}) % 1000 <> 0`;
}
