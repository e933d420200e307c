import { PerennialError } from '../../contracts/errors.ts';
import { gitUrl } from '../../contracts/code/git-source.ts';
import type { CommitStatuses } from '../../ports/commit-status.ts';
import type { OutboundHosts, OutboundRoute } from '../../ports/outbound-hosts.ts';

const answerWithinMs = 15_000;
const shownCharacters = 140;

/** Creates commit statuses over GitHub's REST API, which Gitea, Forgejo and GitHub Enterprise also offer. */
export function createGithubStatuses({ hosts }: { readonly hosts: OutboundHosts }): CommitStatuses {
  return {
    async report({ repository, commit, state, context, description }, { token, api = 'https://api.github.com' }) {
      if (token === undefined) return;
      const url = new URL(`${api.replace(/\/+$/, '')}/repos/${ownerAndName(repository)}/statuses/${commit}`);
      const route = hosts.trustedRoute(url);
      const body = JSON.stringify({ state, context, description: shortened(description) });
      const status = await post(url, route, token, body);
      if (status >= 200 && status < 300) return;
      if (status === 429 || status >= 500) throw new Error(`${url.href} answers with status ${status}`);
      throw new PerennialError(
        'source-unavailable',
        route.refusalOf(status) ??
          `${url.href} answers with status ${status}; the connection's token must be allowed to write commit statuses`,
        { url: url.href, status },
      );
    },
  };
}

async function post(url: URL, route: OutboundRoute, token: string, body: string): Promise<number> {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'content-type': 'application/json',
  };
  try {
    return await route.post({ headers, body, withinMs: answerWithinMs });
  } catch (caught) {
    throw new Error(`${url.href} could not be reached: ${route.reasonOf(caught)}`, { cause: caught });
  }
}

function ownerAndName(repository: string): string {
  return (gitUrl(repository)?.pathname ?? '').replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
}

function shortened(text: string): string {
  const characters = Array.from(text.replaceAll(/\s+/g, ' '));
  return characters.length <= shownCharacters ? text : `${characters.slice(0, shownCharacters - 1).join('')}…`;
}
