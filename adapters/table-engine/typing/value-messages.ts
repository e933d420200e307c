import type { DataWarningKind } from '../../../contracts/data/data-warning.ts';

interface Told {
  readonly count: number;
  readonly example: string;
  readonly words: readonly string[];
}

/** Returns the message of a warning about values of a text column. It names column, count, example and way out. */
export function messageOf(kind: DataWarningKind, column: string, told: Told): string {
  const what = (noun: string): string =>
    `column ${JSON.stringify(column)} is kept as text: ${told.count} of its values ${noun}, such as ${shown(told.example)}`;
  const asText = `data.columns: { ${JSON.stringify(column)}: string } says that text is meant`;
  switch (kind) {
    case 'missing-word':
      return `${what('look like a missing value')}; if they mean one, set data.nulls: [${told.words.map(shown).join(', ')}]; ${asText}`;
    case 'decimal-comma':
      return `${what('have a decimal comma')}; write them with a decimal point; ${asText}`;
    case 'thousands-separator':
      return `${what('have separators of thousands')}; write the digits without them, and a point before decimals; ${asText}`;
    case 'percent':
      return `${what('have a percent sign')}; write the number alone; ${asText}`;
    case 'currency':
      return `${what('have a sign of a currency')}; write the number alone, and the currency in a column of its own; ${asText}`;
    case 'impossible-date':
      return `${what('are dates or times that do not exist')}; correct them, or leave them empty; ${asText}`;
    case 'date-format':
      return `${what(`are dates in another form than 2026-12-31${isAmbiguous(told.example) ? ', and it is not certain which number is the day' : ''}`)}; write them as 2026-12-31; ${asText}`;
    case 'time-spelling':
      return `${what('are times, of which not all are written in the same way or some have more than six decimals')}; write all as 2026-12-31, as 2026-12-31T10:00:00 or as 2026-12-31T10:00:00Z; ${asText}`;
    case 'number-spelling':
      return `${what('are numbers in another form than -12.5')}; write them with a hyphen as the minus and digits of ASCII alone; ${asText}`;
    case 'quotes':
      return `${what('are in single quotes, which are part of the value')}; write them without, or in double quotes; ${asText}`;
    case 'truth-word':
      return `${what('are words for true or false')}; for truth values, write true and false; ${asText}`;
    case 'blanks':
      return `${what('have blanks around them')}; write them without; ${asText}`;
    case 'not-finite':
      return `${what('are no finite numbers')}; correct them, or set data.nulls: [${shown(told.example)}] if they mean a missing value; ${asText}`;
    default:
      return `${what('are other text than the rest')}; correct them, or set data.nulls: [${shown(told.example)}] if they mean a missing value; ${asText}`;
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
}

/** Returns whether the day and the month of a date could be confused. */
function isAmbiguous(date: string): boolean {
  const [, first = '', second = ''] = /^(\d{1,2})[./-](\d{1,2})[./-]/.exec(date.trim()) ?? [];
  return first !== '' && Number(first) <= 12 && Number(second) <= 12 && first !== second;
}
