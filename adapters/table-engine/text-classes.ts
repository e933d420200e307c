import { literal } from './sql.ts';

/** What a text looks like. The first four are values as they are read from text; the others are not read as one. */
export type TextClass =
  | 'number'
  | 'time'
  | 'truth'
  | 'text'
  | 'missing-word'
  | 'decimal-comma'
  | 'thousands-separator'
  | 'percent'
  | 'currency'
  | 'impossible-date'
  | 'date-format'
  | 'truth-word'
  | 'blanks'
  | 'not-finite';

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
/** Whether a text usually means a missing value. */
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
const isoTime = `[0-9]{4}-[0-9]{2}-[0-9]{2}${clock}`;
const otherTime = `([0-9]{1,2}[./-][0-9]{1,2}[./-]([0-9]{4}|[0-9]{2})|[0-9]{4}[./][0-9]{1,2}[./][0-9]{1,2})( ?${clock}( ?[AaPp][Mm])?)?`;

/** Longer texts are none of the others. */
const longest = 64;

/** SQL of the class of a text, which is not null. */
export function classOfText(text: string): string {
  const bare = `trim(${text}, ${literal(' \t\u00a0')})`;
  return `CASE WHEN strlen(${text}) > ${longest} THEN 'text' WHEN ${bare} = '' THEN 'missing-word'
    WHEN ${bare} <> ${text} AND ${classOfBare(bare)} IN ('number', 'time', 'truth') THEN 'blanks' ELSE ${classOfBare(bare)} END`;
}

function classOfBare(text: string): string {
  const looks = (pattern: string): string => `regexp_full_match(${text}, ${literal(pattern)})`;
  const isOneOf = (words: readonly string[]): string => `lower(${text}) IN (${words.map(literal).join(', ')})`;
  const withoutDigits = `CASE WHEN ${isOneOf(['true', 'false'])} THEN 'truth' WHEN ${isOneOf(missingWords)} THEN 'missing-word'
    WHEN ${isOneOf(truthWords)} THEN 'truth-word' WHEN ${looks(`${sign}([iI]nf(inity)?|INF(INITY)?)`)} THEN 'not-finite' ELSE 'text' END`;
  return `CASE WHEN NOT regexp_matches(${text}, '[0-9]') THEN ${withoutDigits}
    WHEN ${looks(plain)} THEN 'number'
    WHEN ${looks(isoTime)} THEN CASE WHEN TRY_CAST(substr(${text}, 1, 10) AS DATE) IS NULL OR TRY_CAST(replace(${text}, ',', '.') AS TIMESTAMP WITH TIME ZONE) IS NULL THEN 'impossible-date' ELSE 'time' END
    WHEN ${looks(grouped)} THEN 'thousands-separator' WHEN ${looks(comma)} THEN 'decimal-comma'
    WHEN ${looks(`${amount} ?%`)} THEN 'percent' WHEN ${looks(`${symbol} ?${amount}|-${symbol} ?${amount}|${amount} ?${symbol}`)} THEN 'currency'
    WHEN ${looks(otherTime)} THEN 'date-format' ELSE 'text' END`;
}
