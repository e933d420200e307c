// Preloaded into the command line of the end-to-end tests (`--import`): notes what the API answers it, one answer a line,
// for the test to check. The command line itself would have to compile the document's schemas at each start.
import { appendFileSync } from 'node:fs';
import type { SeenAnswer } from './checked-answers.ts';

const plainFetch = globalThis.fetch;
const file = process.env.PERENNIAL_TEST_ANSWERS ?? '';

globalThis.fetch = async (input, init) => {
  const answer = await plainFetch(input, init);
  const { pathname } = new URL(input instanceof Request ? input.url : input);
  const contentType = answer.headers.get('content-type') ?? '';
  if (pathname.startsWith('/v1/') && contentType.includes('json')) {
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
    const text = await answer.clone().text();
    const seen: SeenAnswer = { method, path: pathname, status: answer.status, contentType, text };
    appendFileSync(file, `${JSON.stringify(seen)}\n`);
  }
  return answer;
};
