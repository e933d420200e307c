import { AsyncLocalStorage } from 'node:async_hooks';
import type { SeenAnswer } from './checked-answers.ts';
import { checkAnswer } from './checked-answers.ts';

const noting = new AsyncLocalStorage<SeenAnswer[]>();
const plainFetch = globalThis.fetch;

globalThis.fetch = async (input, init) => {
  const answer = await plainFetch(input, init);
  const { pathname } = new URL(input instanceof Request ? input.url : input);
  const contentType = answer.headers.get('content-type') ?? '';
  const noted = noting.getStore();
  if (noted !== undefined && pathname.startsWith('/v1/') && contentType.includes('json')) {
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
    noted.push({ method, path: pathname, status: answer.status, contentType, text: await answer.clone().text() });
  }
  return answer;
};

/** Does the work, and checks what the API answered to it. */
export async function checkingAnswers<Result>(work: () => Promise<Result>): Promise<Result> {
  const noted: SeenAnswer[] = [];
  const result = await noting.run(noted, work);
  noted.forEach(checkAnswer);
  return result;
}
