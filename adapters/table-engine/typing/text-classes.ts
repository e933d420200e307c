import { doubtfulTexts } from '../../../contracts/data/doubtful-texts.ts';
import { literal } from '../sql.ts';

export const timeClasses = ['date', 'time', 'instant'] as const;
const plainClasses = ['number', ...timeClasses, 'truth', 'text'] as const;
/** All classes. Text of a plain class is read as a value; text of another class is not. */
const textClasses = [...plainClasses, ...doubtfulTexts] as const;

/** Class of a text, by its form. */
export type TextClass = (typeof textClasses)[number];

/** Returns the class that a query result names; `text` for an unknown name. */
export function classNamed(name: unknown): TextClass {
  return textClasses.find((known) => known === name) ?? 'text';
}

/** Texts that other programs write for a missing value, in lower case. */
const missingWords: readonly string[] = [
  'na',
  'n/a',
  '#n/a',
  'n.a.',
  'nan',
  '-nan',
  '#na',
  '<na>',
  'null',
  '(null)',
  'none',
  'nil',
  'nat',
  '\\n',
  '-',
  '--',
  '?',
  '.',
  'missing',
];
/** Returns whether a text usually means a missing value. */
export function isMissingWord(text: string): boolean {
  const bare = text.trim().toLowerCase();
  return bare === '' || missingWords.includes(bare);
}

const truthWords = ['yes', 'no', 'y', 'n', 't', 'f', 'on', 'off', 'ja', 'nein', 'oui', 'non'];

const sign = '[+-]?';
const plain = `${sign}([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?`;
const grouped = `${sign}([0-9]{1,3}(,[0-9]{3})+([.][0-9]+)?|[0-9]{1,3}([.][0-9]{3}){2,}|[0-9]{1,3}([.][0-9]{3})+,[0-9]+|[0-9]{1,3}(['’ \u00a0\u202f][0-9]{3})+([.,][0-9]+)?)`;
const comma = `${sign}[0-9]*,[0-9]+`;
const amount = `(${plain}|${grouped}|${comma})`;
const symbol = '([€$£¥]|EUR|USD|GBP|CHF|JPY)';
const clock = '([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?(Z| ?[+-][0-9]{2}(:?[0-9]{2})?)?)?';
/**
 * Numbers as spreadsheets, web pages and programs write them: with another minus sign, full-width digits, hexadecimal
 * digits, or underscores between groups.
 */
const otherNumber = `[−–](${plain})|[+−-]?[０-９]+([.．][０-９]+)?|0[xX][0-9a-fA-F]{1,16}|${sign}[0-9]{1,3}(_[0-9]{3})+`;
const isoTime = `[0-9]{4}-[0-9]{2}-[0-9]{2}${clock}`;
/** A time that can be stored: its seconds have at most six decimals. */
const keptTime = '[^ T]+[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?';
const quoted = `'[^']*'`;
const otherTime = `([0-9]{1,2}[./-][0-9]{1,2}[./-]([0-9]{4}|[0-9]{2})|[0-9]{4}[./][0-9]{1,2}[./][0-9]{1,2})( ?${clock}( ?[AaPp][Mm])?)?`;

/** A text of more bytes is of the class `text`. */
const longest = 64;

/** Returns SQL of the class of a text. The text must not be null. */
export function classOfText(text: string): string {
  const bare = `trim(${text}, ${literal(' \t\u00a0')})`;
  return `CASE WHEN strlen(${text}) > ${longest} THEN 'text' WHEN ${bare} = '' THEN 'missing-word'
    WHEN ${bare} <> ${text} AND ${classOfBare(bare)} IN ('number', 'date', 'time', 'instant', 'truth') THEN 'blanks' ELSE ${classOfBare(bare)} END`;
}

function classOfBare(text: string): string {
  const looks = (pattern: string): string => `regexp_full_match(${text}, ${literal(pattern)})`;
  const isOneOf = (words: readonly string[]): string => `lower(${text}) IN (${words.map(literal).join(', ')})`;
  const withoutDigits = `CASE WHEN ${isOneOf(['true', 'false'])} THEN 'truth' WHEN ${isOneOf(missingWords)} THEN 'missing-word'
    WHEN ${isOneOf(truthWords)} THEN 'truth-word' WHEN ${looks(`${sign}([iI]nf(inity)?|INF(INITY)?)`)} THEN 'not-finite'
    WHEN ${looks(otherNumber)} THEN 'number-spelling' WHEN ${looks(quoted)} THEN 'quotes' ELSE 'text' END`;
  return `CASE WHEN NOT regexp_matches(${text}, '[0-9]') THEN ${withoutDigits}
    WHEN ${looks(plain)} THEN 'number'
    WHEN ${looks(isoTime)} THEN CASE WHEN TRY_CAST(substr(${text}, 1, 10) AS DATE) IS NULL OR TRY_CAST(regexp_replace(replace(${text}, ',', '.'), ' ([+-])', '\\1') AS TIMESTAMP WITH TIME ZONE) IS NULL THEN 'impossible-date'
      WHEN strlen(${text}) = 10 THEN 'date' WHEN NOT ${looks(keptTime)} THEN 'time-spelling' WHEN regexp_matches(substr(${text}, 11), '[Z+-]') THEN 'instant' ELSE 'time' END
    WHEN ${looks(grouped)} THEN 'thousands-separator' WHEN ${looks(comma)} THEN 'decimal-comma'
    WHEN ${looks(`${amount} ?%`)} THEN 'percent' WHEN ${looks(`${symbol} ?${amount}|-${symbol} ?${amount}|${amount} ?${symbol}`)} THEN 'currency'
    WHEN ${looks(otherNumber)} THEN 'number-spelling' WHEN ${looks(quoted)} THEN 'quotes'
    WHEN ${looks(otherTime)} THEN 'date-format' ELSE 'text' END`;
}
