import type { StoredType } from './fields.ts';

/**
 * How text is read as a value. `as-written` accepts a text only if the value, written again, gives the same text, apart
 * from zeros at the end of a decimal, exponents, and spellings of times and booleans. `declared` also accepts other
 * spellings, because a person declared the type: `007` is 7 and `1` is true.
 */
export type Reading = 'as-written' | 'declared';

const day = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
const clock = '[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?';
const exponent = '([eE][+-]?[0-9]+)?';

type TypeOfText = Exclude<StoredType, 'VARCHAR'>;

/** Patterns that must match the whole text of a value, in syntax that DuckDB and JavaScript share. */
const patterns: Readonly<Record<Reading, Readonly<Record<TypeOfText, string>>>> = {
  'as-written': {
    BOOLEAN: '[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]',
    BIGINT: '0|-?[1-9][0-9]*',
    DOUBLE: `-?((0|[1-9][0-9]*)([.][0-9]*)?|[.][0-9]+)${exponent}`,
    DATE: day,
    TIMESTAMP: `${day}${clock}`,
    'TIMESTAMP WITH TIME ZONE': `${day}${clock}(Z|[+-][0-9]{2}(:?[0-9]{2})?)`,
  },
  declared: {
    BOOLEAN: '[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|0|1',
    BIGINT: '[+-]?[0-9]+',
    DOUBLE: `[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)${exponent}`,
    DATE: day,
    TIMESTAMP: `${day}(${clock})?`,
    'TIMESTAMP WITH TIME ZONE': `${day}${clock}(Z|[+-][0-9]{2}(:?[0-9]{2})?)`,
  },
};

/** Pattern of a text that looks like a number, in the same syntax. */
export const numberLike = '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?';

/** Returns the pattern that the whole text of a value must match. */
export function patternOf(stored: TypeOfText, reading: Reading): string {
  return patterns[reading][stored];
}

/** Returns whether a text has the form of a type. A number of that form may still have too many digits. */
export function hasForm(text: string, stored: StoredType): boolean {
  return stored === 'VARCHAR' || new RegExp(`^(${patterns['as-written'][stored]})$`).test(text);
}

/** Returns SQL that is true for a text that the cast to a type reads without loss. */
export function fits(text: string, stored: StoredType, reading: Reading = 'as-written'): string {
  if (stored === 'VARCHAR') return 'true';
  const hasItsForm = `regexp_full_match(${text}, '${patterns[reading][stored]}')`;
  const casts = `TRY_CAST(${text} AS ${stored}) IS NOT NULL`;
  // CASE, because DuckDB evaluates all operands of AND and OR for every row.
  if (stored === 'BOOLEAN') return hasItsForm;
  if (stored === 'BIGINT') return `(${hasItsForm} AND CASE WHEN strlen(${text}) < 16 THEN true ELSE ${casts} END)`;
  if (stored === 'DOUBLE') return number(text, reading, isExactNumber(text, reading));
  return `(${hasItsForm} AND ${casts})`;
}

/**
 * Returns SQL that is true for a text that fits DOUBLE and either has few digits or is written as DuckDB writes a
 * DOUBLE.
 */
export function fitsPlainly(text: string, reading: Reading): string {
  return number(text, reading, `CAST(TRY_CAST(${text} AS DOUBLE) AS VARCHAR) = ${text}`);
}

/** Returns SQL that is true for a number that a DOUBLE may not hold exactly: a long one, or one with an exponent. */
export function isLong(text: string): string {
  return `(strlen(${text}) >= 16 OR contains(lower(${text}), 'e'))`;
}

/** Returns SQL that is true for a text of the form of a number that is short, or is written as DuckDB writes a DOUBLE. */
export function fitsExactly(text: string): string {
  return `CASE WHEN ${isLong(text)} THEN CAST(TRY_CAST(${text} AS DOUBLE) AS VARCHAR) = ${text} ELSE true END`;
}

function number(text: string, reading: Reading, isExact: string): string {
  // Numbers of up to fifteen digits are exact and finite.
  return `(regexp_full_match(${text}, '${patterns[reading].DOUBLE}') AND CASE WHEN strlen(${text}) < 16 AND NOT contains(lower(${text}), 'e') THEN true ELSE ${isExact} END)`;
}

/**
 * Returns SQL that is true for a text which shows that its column holds decimals: a decimal point, or an exponent with
 * a sign. Whole digits alone do not show it, nor does `1E5`, which may be a code.
 */
export function showsDecimals(text: string): string {
  return `regexp_matches(${text}, '[.]|[eE][+-]')`;
}

/**
 * Returns SQL that is true if a text has the same digits as the shortest form of its nearest DOUBLE. For a declared
 * number, the forms with 17 and 19 digits, in which programs write a DOUBLE, are accepted as well.
 */
export function isExactNumber(text: string, reading: Reading): string {
  const double = `TRY_CAST(${text} AS DOUBLE)`;
  const forms = [`CAST(${double} AS VARCHAR)`];
  if (reading === 'declared') forms.push(`format('{:.16e}', ${double})`, `format('{:.18e}', ${double})`);
  const equal = forms.map((form) => `${digitsOf(text)} = ${digitsOf(form)}`).join(' OR ');
  return `CASE WHEN NOT coalesce(isfinite(${double}), false) THEN false WHEN CAST(${double} AS VARCHAR) = ${text} THEN true ELSE ${equal} END`;
}

/**
 * Returns SQL of the significant digits of a number's text. A number and its nearest DOUBLE that have the same digits
 * are equal, because they also have the same magnitude.
 */
function digitsOf(text: string): string {
  return `rtrim(ltrim(replace(split_part(lower(${text}), 'e', 1), '.', ''), '+-0'), '0')`;
}
