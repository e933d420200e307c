import { AsyncLocalStorage } from 'node:async_hooks';
import type { SeenAnswer } from './checked-answers.ts';
import { checkAnswer } from './checked-answers.ts';
import { watchAnswers } from './watch-answers.ts';

const noting = new AsyncLocalStorage<SeenAnswer[]>();

watchAnswers((seen) => noting.getStore()?.push(seen));

/** Runs `work` and checks every API response that it receives against the published document. */
export async function checkingAnswers<Result>(work: () => Promise<Result>): Promise<Result> {
  const noted: SeenAnswer[] = [];
  const result = await noting.run(noted, work);
  noted.forEach(checkAnswer);
  return result;
}
