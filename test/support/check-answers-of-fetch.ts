// Preloaded into the command line of the end-to-end tests (`--import`): what it is answered by the API is checked as well.
import { checkAnswer } from './checked-answers.ts';

const plainFetch = globalThis.fetch;

globalThis.fetch = async (input, init) => {
  const answer = await plainFetch(input, init);
  const { pathname } = new URL(input instanceof Request ? input.url : input);
  const contentType = answer.headers.get('content-type') ?? '';
  if (pathname.startsWith('/v1/') && contentType.includes('json'))
    checkAnswer({
      method: init?.method ?? (input instanceof Request ? input.method : 'GET'),
      path: pathname,
      status: answer.status,
      contentType,
      text: await answer.clone().text(),
    });
  return answer;
};
