import { AsyncLocalStorage } from 'node:async_hooks';
import type { SeenAnswer } from './checked-answers.ts';
import { checkAnswer } from './checked-answers.ts';
import { watchAnswers } from './watch-answers.ts';

const noting = new AsyncLocalStorage<SeenAnswer[]>();

watchAnswers((seen) => noting.getStore()?.push(seen));

/** Does the work, and checks what the API answered to it. */
export async function checkingAnswers<Result>(work: () => Promise<Result>): Promise<Result> {
  const noted: SeenAnswer[] = [];
  const result = await noting.run(noted, work);
  noted.forEach(checkAnswer);
  return result;
}
