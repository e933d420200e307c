import { reasonOf } from '../../contracts/errors.ts';
import { refuse } from './tensor-columns.ts';

/**
 * Parses JSON, including the non-standard literals that Python's `json` writes: NaN is read as a missing value, and the
 * infinities as numbers that the column reader refuses with the feature's name.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (caught) {
    if (text === '') throw refuse('the body is empty; send a JSON object');
    if (!text.includes('NaN') && !text.includes('Infinity')) throw notJson(caught);
  }
  try {
    return JSON.parse(withoutWords(text));
  } catch (caught) {
    throw notJson(caught);
  }
}

/** JSON.parse reads 1e999 as Infinity, because it exceeds every double. */
const spelled = { NaN: 'null', Infinity: '1e999' };

/**
 * Replaces the literals outside strings. A single regular expression for whole strings would overflow the stack on long
 * ones.
 */
function withoutWords(text: string): string {
  const token = /"|\b(?:NaN|Infinity)\b/g;
  let result = '';
  let copied = 0;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    if (found[0] === '"') token.lastIndex = endOfString(text, token.lastIndex);
    else {
      result += text.slice(copied, found.index) + (found[0] === 'NaN' ? spelled.NaN : spelled.Infinity);
      copied = token.lastIndex;
    }
  }
  return result + text.slice(copied);
}

function endOfString(text: string, from: number): number {
  const special = /["\\]/g;
  special.lastIndex = from;
  for (let found = special.exec(text); found !== null; found = special.exec(text)) {
    if (found[0] === '"') return special.lastIndex;
    // An escaped quote does not end the string.
    special.lastIndex += 1;
  }
  return text.length;
}

function notJson(caught: unknown): Error {
  return refuse(`the body is not JSON: ${reasonOf(caught)}`);
}
