import type { StoredType } from './fields.ts';

/**
 * How text is read as a value. `as-written`: only where the value, written again, is the text as it came; zeros at the
 * end of a decimal, exponents, and the spellings of times and truth values aside. `declared`: also where a person said
 * that the text is of the type, so that `007` is 7 and `1` is true.
 */
export type Reading = 'as-written' | 'declared';

const day = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
const clock = '[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?';
const exponent = '([eE][+-]?[0-9]+)?';

type TypeOfText = Exclude<StoredType, 'VARCHAR'>;

/** Patterns that text of a type matches as a whole, in a syntax that DuckDB and JavaScript share. */
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

/** Whether a text has the form of a type; a number that has it may still be too long. */
export function hasForm(text: string, stored: StoredType): boolean {
  return stored === 'VARCHAR' || new RegExp(`^(${patterns['as-written'][stored]})$`).test(text);
}

/** SQL over a VARCHAR that is true for text which the cast to a type reads without losing anything. */
export function fits(text: string, stored: StoredType, reading: Reading = 'as-written'): string {
  if (stored === 'VARCHAR') return 'true';
  const hasItsForm = `regexp_full_match(${text}, '${patterns[reading][stored]}')`;
  const casts = `TRY_CAST(${text} AS ${stored}) IS NOT NULL`;
  // A CASE, as the sides of AND and OR are all worked out for every row.
  if (stored === 'BOOLEAN') return hasItsForm;
  if (stored === 'BIGINT') return `(${hasItsForm} AND CASE WHEN strlen(${text}) < 16 THEN true ELSE ${casts} END)`;
  if (stored === 'DOUBLE') return number(text, reading, isExactNumber(text, reading));
  return `(${hasItsForm} AND ${casts})`;
}

/** SQL that is true for text that fits DOUBLE in the form in which a DOUBLE is written, or has few digits. */
export function fitsPlainly(text: string, reading: Reading): string {
  return number(text, reading, `CAST(TRY_CAST(${text} AS DOUBLE) AS VARCHAR) = ${text}`);
}

function number(text: string, reading: Reading, isExact: string): string {
  // Up to fifteen digits are exact and finite.
  return `(regexp_full_match(${text}, '${patterns[reading].DOUBLE}') AND CASE WHEN strlen(${text}) < 16 AND NOT contains(lower(${text}), 'e') THEN true ELSE ${isExact} END)`;
}

/**
 * SQL that is true for text that shows that its column holds decimals: a point, or an exponent with a sign. Whole digits
 * alone do not, nor does `1E5`, which may be a code.
 */
export function showsDecimals(text: string): string {
  return `regexp_matches(${text}, '[.]|[eE][+-]')`;
}

/**
 * SQL that is true for text whose number is what the nearest DOUBLE says in its shortest form. Where a number is
 * declared, also for the longer forms of 17 and 19 digits in which programs write a DOUBLE.
 */
export function isExactNumber(text: string, reading: Reading): string {
  const double = `TRY_CAST(${text} AS DOUBLE)`;
  const forms = [`CAST(${double} AS VARCHAR)`];
  if (reading === 'declared') forms.push(`format('{:.16e}', ${double})`, `format('{:.18e}', ${double})`);
  const equal = forms.map((form) => `${digitsOf(text)} = ${digitsOf(form)}`).join(' OR ');
  return `CASE WHEN NOT coalesce(isfinite(${double}), false) THEN false WHEN CAST(${double} AS VARCHAR) = ${text} THEN true ELSE ${equal} END`;
}

/** SQL for the significant digits of a number's text. With the same digits, a number and the DOUBLE nearest to it are of the same size. */
function digitsOf(text: string): string {
  return `rtrim(ltrim(replace(split_part(lower(${text}), 'e', 1), '.', ''), '+-0'), '0')`;
}
