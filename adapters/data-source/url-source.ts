import { join } from 'node:path';
import type { RemoteSourceOf } from '../../contracts/data/remote-source.ts';
import type { DataSourceOf } from '../../ports/data-source.ts';
import { fetchUrl, withoutQuery } from './fetch-url.ts';
import { formatOfFile } from './format-of-file.ts';
import type { SourceSettings } from './source-settings.ts';

/** Creates the source for one file over http or https. */
export function createUrlSource(settings: SourceSettings): DataSourceOf<RemoteSourceOf<'url'>> {
  return {
    async fetch(source, { folder, signal }) {
      const url = new URL(source.url);
      const path = join(folder, 'file');
      const { bytes, etag, contentType } = await fetchUrl(url, path, settings, signal);
      const name = url.pathname.split('/').at(-1) || url.hostname;
      const format = formatOfFile(name, source.format, contentType);
      return [{ name, format, path, from: withoutQuery(url), bytes, etag }];
    },
  };
}
