import type { FastifyInstance } from 'fastify';
import { reasonOf } from '../contracts/errors.ts';
import { refuse } from './tensor-columns.ts';

/** Accepts JSON, also with names such as `__proto__`, which a feature may have, and CSV as text. */
export function parseRequestBodies(app: FastifyInstance): void {
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: unknown, text: string) =>
    parseJson(text),
  );
  app.addContentTypeParser('text/csv', { parseAs: 'string' }, async (_request: unknown, text: string) => text);
}

/** Python's `json` writes a missing number as NaN, which is not valid JSON; it is read as a missing value. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (caught) {
    if (!text.includes('NaN')) throw notJson(caught);
  }
  try {
    return JSON.parse(withNullForNaN(text));
  } catch (caught) {
    throw notJson(caught);
  }
}

/** Keeps NaN inside strings. A single regular expression for whole strings would exhaust the stack on long ones. */
function withNullForNaN(text: string): string {
  const token = /"|\bNaN\b/g;
  let result = '';
  let copied = 0;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    if (found[0] === '"') token.lastIndex = endOfString(text, token.lastIndex);
    else {
      result += `${text.slice(copied, found.index)}null`;
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
  return refuse(`the body is no JSON: ${reasonOf(caught)}`);
}
