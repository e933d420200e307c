import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { normalisedPackageName } from '../../../contracts/code/requirement-grammar.ts';
import type { IndexPages, NamedFile, ServedPage } from './index-proxy.ts';
import { basic } from './npm-sources.ts';
import type { PipSources } from './package-sources.ts';
import type { PageFile } from './simple-page.ts';
import { isFileOf, parseSimplePage, writeSimplePage } from './simple-page.ts';
import type { Upstream } from './upstream.ts';
import { textOf, unexpectedAnswer } from './upstream.ts';

const pageBytesAtMost = 64 * 2 ** 20;
const acceptPage =
  'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1, */*;q=0.01';

/**
 * Returns the pages of Python packages. The page of a package merges the files of all of the administrator's indexes
 * and file lists, as pip would.
 */
export function pipPages(sources: PipSources, upstream: Upstream): IndexPages {
  return {
    root: 'simple',
    page: async (path, _request, serve, signal): Promise<ServedPage | null> => {
      const name = path.replace(/\/$/, '');
      if (!/^[a-z0-9][a-z0-9-]*$/.test(name) || normalisedPackageName(name) !== name) return null;
      const parts = await Promise.all([
        ...sources.findLinks.map((link) => listed(link, name, upstream, signal)),
        ...sources.indexes.map((index) => indexed(index, name, upstream, signal)),
      ]);
      const named = new Map(parts.flat().map(({ file, named: of }) => [file, of]));
      if (named.size === 0) return null;
      const text = writeSimplePage([...named.keys()], (file) => {
        const found = named.get(file);
        return found === undefined ? '' : serve(found);
      });
      return { contentType: 'text/html; charset=utf-8', text };
    },
  };
}

interface FoundFile {
  readonly file: PageFile;
  readonly named: NamedFile;
}

async function indexed(index: string, name: string, upstream: Upstream, signal: AbortSignal): Promise<FoundFile[]> {
  return remoteFiles(new URL(`${index.replace(/\/+$/, '')}/${name}/`), upstream, signal);
}

/** Returns the files of a package in a folder, or on a page that lists files of many packages. */
async function listed(link: string, name: string, upstream: Upstream, signal: AbortSignal): Promise<FoundFile[]> {
  if (/^https?:/i.test(link)) {
    const all = await remoteFiles(new URL(link), upstream, signal);
    return all.filter(({ file }) => isFileOf(file.filename, name));
  }
  const folder = link.startsWith('file:') ? fileURLToPath(link) : link;
  const names = await readdir(folder).catch(() => []);
  return names.filter((filename) => isFileOf(filename, name)).map((filename) => localFile(folder, filename));
}

function localFile(folder: string, filename: string): FoundFile {
  const path = join(folder, filename);
  return {
    file: { filename, url: new URL('file:///'), sha256: null, requiresPython: null, yanked: null, metadata: null },
    named: {
      filename,
      hash: null,
      open: async () => ({ bytes: (await stat(path)).size, body: createReadStream(path) }),
    },
  };
}

async function remoteFiles(page: URL, upstream: Upstream, signal: AbortSignal): Promise<FoundFile[]> {
  const authorization =
    page.username === '' ? undefined : basic(decodeURIComponent(page.username), decodeURIComponent(page.password));
  const answer = await upstream.get({ url: page, index: page, accept: acceptPage, authorization, signal });
  if (answer.status === 404 || answer.status === 410) {
    answer.body.destroy();
    return [];
  }
  if (answer.status !== 200) throw unexpectedAnswer(answer);
  const files = parseSimplePage(await textOf(answer, pageBytesAtMost), answer.contentType, answer.url);
  return files.map((file) => ({
    file,
    named: {
      filename: file.filename,
      hash: file.sha256 === null ? null : { algorithm: 'sha256', hex: file.sha256 },
      open: async (suffix, whileAsked) => {
        const url = new URL(file.url.href);
        url.pathname += suffix;
        return upstream.file({ url, index: page, authorization, signal: whileAsked });
      },
    },
  }));
}
