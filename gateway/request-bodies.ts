import type { FastifyInstance } from 'fastify';
import { reasonOf } from '../contracts/errors.ts';
import { refuse } from './tensor-columns.ts';

/** JSON, also with names such as `__proto__`, which a feature may have, and CSV as text. */
export function parseRequestBodies(app: FastifyInstance): void {
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: unknown, text: string) =>
    parseJson(text),
  );
  app.addContentTypeParser('text/csv', { parseAs: 'string' }, async (_request: unknown, text: string) => text);
}

/** Python's `json` writes a missing number as NaN, which is no JSON; here it means missing as well. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (caught) {
    if (!text.includes('NaN')) throw notJson(caught);
  }
  try {
    return JSON.parse(text.replaceAll(/"(?:[^"\\]|\\.)*"|\bNaN\b/gs, (found) => (found === 'NaN' ? 'null' : found)));
  } catch (caught) {
    throw notJson(caught);
  }
}

function notJson(caught: unknown): Error {
  return refuse(`the body is no JSON: ${reasonOf(caught)}`);
}
