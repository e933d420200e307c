import type { StoredType } from './fields.ts';
import { type Reading, fits, fitsPlainly, isExactNumber } from './spellings.ts';

/** How the values of a column become those of a stored type. */
export interface CastTo {
  /** SQL of the value as the stored type; null where it cannot be one. */
  readonly value: string;
  /** SQL that is true for a value that the cast would lose or change; absent where there can be none. */
  readonly misfit?: string;
  /** SQL that is true for all of these and perhaps for others, where that is much less to plan. */
  readonly doubt?: string;
}

/** The type of a column in the table of its file: DuckDB's, or one of these. */
export const noType = 'NULL';
/** An instant in nanoseconds, as a TIMESTAMP_NS in UTC. */
export const instantInNanoseconds = 'INSTANT_NS';

type Make = (name: string, reading: Reading) => CastTo | undefined;

const integers = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;
const smallIntegers = /^(TINYINT|SMALLINT|INTEGER|BIGINT|U(TINYINT|SMALLINT|INTEGER))$/;
const plainTimes = /^TIMESTAMP(_S|_MS)?$/;
/** Types of which each value has exactly one text, so that they can be kept as text without loss. */
const kindsOfText = /^(VARCHAR|UUID|ENUM\b.*|TIME|TIME_NS|TIME WITH TIME ZONE)$/;
const scaleOf = /^DECIMAL\(\d+,\s*(\d+)\)$/;

/** The types that values of a column of Parquet can be kept as, the most particular first; undefined for one that rows are not kept in. */
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

/** From the most particular to the least; the first that all values fit is the column's. */
export const inferenceOrder: readonly StoredType[] = [
  'BOOLEAN',
  'BIGINT',
  'DOUBLE',
  'DATE',
  'TIMESTAMP',
  'TIMESTAMP WITH TIME ZONE',
  'VARCHAR',
];

/** Whether the type has decimals, even if all values of the column happen to be whole. */
export function holdsDecimals(type: string): boolean {
  return type === 'FLOAT' || type === 'DOUBLE' || (scaleOf.exec(type)?.[1] ?? '0') !== '0';
}

/**
 * How a column of a type is kept as another. Where no value of the one is a value of the other, every value is a misfit.
 * What only a declaration makes so, such as a number that is text from now on, needs `declared`.
 */
export function castOf(type: string, stored: StoredType, name: string, reading: Reading): CastTo {
  if (type === stored) return { value: name };
  const made = type === noType ? undefined : makers[stored](type)?.(name, reading);
  if (made === undefined)
    return { value: `CAST(NULL AS ${stored})`, ...(type === noType ? {} : { misfit: `${name} IS NOT NULL` }) };
  // Conditions over null are not false, and a missing value fits every type.
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
    // Beyond 2^53 a DOUBLE that looks whole may stand for another whole number.
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

/** True for a whole number that a DOUBLE does not hold. */
function inexact(name: string): string {
  return `CAST(CAST(${name} AS DOUBLE) AS HUGEINT) <> TRY_CAST(${name} AS HUGEINT)`;
}

function losesNanoseconds(name: string): string {
  return `epoch_ns(${name}) % 1000 <> 0`;
}
