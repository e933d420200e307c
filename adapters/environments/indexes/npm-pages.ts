import type { IndexPages, ServedPage } from './index-proxy.ts';
import { npmAuthorization, npmPackageName, registryAddress, rewritePackument } from './npm-registry.ts';
import type { NpmSources } from './package-sources.ts';
import type { Upstream } from './upstream.ts';
import { textOf, unexpectedAnswer } from './upstream.ts';

const pageBytesAtMost = 128 * 2 ** 20;
const acceptPage = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8';

/** Returns the pages of npm packages, which come from the administrator's registries. */
export function npmPages(sources: NpmSources, upstream: Upstream): IndexPages {
  return {
    root: 'npm',
    page: async (path, _request, serve, signal): Promise<ServedPage | null> => {
      const name = decodeURIComponent(path);
      if (!npmPackageName.test(name)) return null;
      const { url, index } = registryAddress(name, sources);
      const authorization = npmAuthorization(url, sources);
      const answer = await upstream.get({ url, index, accept: acceptPage, authorization, signal });
      if (answer.status === 404) {
        answer.body.destroy();
        return null;
      }
      if (answer.status !== 200) throw unexpectedAnswer(answer);
      const packument = await textOf(answer, pageBytesAtMost);
      const text = rewritePackument(packument, answer.url, (tarball, hash) =>
        serve({
          filename:
            tarball.pathname
              .split('/')
              .at(-1)
              ?.replaceAll(/[^A-Za-z0-9._-]/g, '-') ?? 'package.tgz',
          hash,
          open: (_suffix, whileAsked) =>
            upstream.file({
              url: tarball,
              index,
              authorization: npmAuthorization(tarball, sources),
              signal: whileAsked,
            }),
        }),
      );
      return { contentType: 'application/json', text };
    },
  };
}
