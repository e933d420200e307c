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
  const asText = `if they are meant as text, set data.columns: { ${JSON.stringify(column)}: string }`;
  switch (kind) {
    case 'missing-word':
      return `${what('look like a missing value')}; if they mean a missing value, set data.nulls: [${told.words.map(shown).join(', ')}]; ${asText}`;
    case 'decimal-comma':
      return `${what('have a decimal comma')}; write them with a decimal point; ${asText}`;
    case 'thousands-separator':
      return `${what('have thousands separators')}; write the numbers without them and with a decimal point; ${asText}`;
    case 'percent':
      return `${what('have a percent sign')}; write only the number; ${asText}`;
    case 'currency':
      return `${what('have a currency sign')}; write only the number, and the currency in a separate column; ${asText}`;
    case 'impossible-date':
      return `${what('are dates or times that do not exist')}; correct them, or leave them empty; ${asText}`;
    case 'date-format':
      return `${what(`are dates in a form other than 2026-12-31${isAmbiguous(told.example) ? ', and it is not certain which number is the day' : ''}`)}; write them as 2026-12-31; ${asText}`;
    case 'time-spelling':
      return `${what('are times that are not all written in the same way, or have more than six decimals')}; write all as 2026-12-31, as 2026-12-31T10:00:00 or as 2026-12-31T10:00:00Z; ${asText}`;
    case 'number-spelling':
      return `${what('are numbers in a form other than -12.5')}; write them with a hyphen as the minus sign and with ASCII digits only; ${asText}`;
    case 'quotes':
      return `${what('are in single quotes, which are part of the value')}; write them without quotes, or in double quotes; ${asText}`;
    case 'truth-word':
      return `${what('are words for true or false')}; for booleans, write true and false; ${asText}`;
    case 'blanks':
      return `${what('have blanks around them')}; write them without blanks; ${asText}`;
    case 'not-finite':
      return `${what('are not finite numbers')}; correct them, or set data.nulls: [${shown(told.example)}] if they mean a missing value; ${asText}`;
    default:
      return `${what('are text, unlike the other values')}; correct them, or set data.nulls: [${shown(told.example)}] if they mean a missing value; ${asText}`;
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
