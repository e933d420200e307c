import { PerennialError } from '../../contracts/errors.ts';
import { gitUrl } from '../../contracts/git-source.ts';
import type { CommitStatuses } from '../../ports/commit-status.ts';

const answerWithinMs = 15_000;
const shownCharacters = 140;

/** The statuses of GitHub's REST API, which Gitea, Forgejo and GitHub Enterprise have too. */
export function createGithubStatuses(): CommitStatuses {
  return {
    async report({ repository, commit, state, context, description }, { token, api = 'https://api.github.com' }) {
      if (token === undefined) return;
      const url = `${api.replace(/\/+$/, '')}/repos/${ownerAndName(repository)}/statuses/${commit}`;
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/vnd.github+json',
          'content-type': 'application/json',
          'user-agent': 'perennial',
        },
        body: JSON.stringify({ state, context, description: shortened(description) }),
        // Elsewhere the token is nobody's business.
        redirect: 'error',
        signal: AbortSignal.timeout(answerWithinMs),
      });
      await response.body?.cancel();
      if (response.ok) return;
      if (response.status === 429 || response.status >= 500) throw new Error(`${url} answers with ${response.status}`);
      throw new PerennialError(
        'source-unavailable',
        `${url} answers with status ${response.status}; the connection's token must be allowed to write commit statuses`,
        { url, status: response.status },
      );
    },
  };
}

function ownerAndName(repository: string): string {
  return (gitUrl(repository)?.pathname ?? '').replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
}

function shortened(text: string): string {
  const characters = Array.from(text.replaceAll(/\s+/g, ' '));
  return characters.length <= shownCharacters ? text : `${characters.slice(0, shownCharacters - 1).join('')}…`;
}
