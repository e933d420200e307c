import type { SeenAnswer } from './checked-answers.ts';

/** Calls `note` with each JSON response that this process receives from the API from now on. */
export function watchAnswers(note: (seen: SeenAnswer) => void): void {
  const plainFetch = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const answer = await plainFetch(input, init);
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const contentType = answer.headers.get('content-type') ?? '';
    if (pathname.startsWith('/v1/') && contentType.includes('json')) {
      const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
      note({ method, path: pathname, status: answer.status, contentType, text: await answer.clone().text() });
    }
    return answer;
  };
}
