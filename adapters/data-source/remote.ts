import { join } from 'node:path';
import type { DataSource, ReachableSource, SourceFile } from '../../ports/data-source.ts';
import type { OutboundHosts } from '../../ports/outbound-hosts.ts';
import { fetchObjects } from './fetch-objects.ts';
import { fetchQuery } from './fetch-query.ts';
import { fetchUrl, withoutQuery } from './fetch-url.ts';
import { formatOfFile } from './format-of-file.ts';

export interface DataSourceSettings {
  readonly hosts: OutboundHosts;
  /** Of one batch. Default: 32 GiB. */
  readonly bytesAtMost?: number;
  /** Default: 30 s. */
  readonly idleMs?: number;
  /** Default: 500 ms. */
  readonly firstPauseMs?: number;
  /** Of a query to a database. Default: one hour. */
  readonly statementTimeoutMs?: number;
}

export function createRemoteDataSource(settings: DataSourceSettings): DataSource {
  const {
    hosts,
    bytesAtMost = 32 * 2 ** 30,
    idleMs = 30_000,
    firstPauseMs = 500,
    statementTimeoutMs = 3_600_000,
  } = settings;
  return {
    async fetch(source, folder, signal) {
      switch (source.kind) {
        case 'url':
          return [await fetchFile(source, folder, { hosts, idleMs, firstPauseMs, bytesAtMost }, signal)];
        case 's3':
          return fetchObjects(source, folder, { hosts, bytesAtMost }, signal);
        case 'postgres':
          return [await fetchQuery(source, join(folder, 'rows.ndjson'), { bytesAtMost, statementTimeoutMs }, signal)];
      }
    },
  };
}

async function fetchFile(
  source: Extract<ReachableSource, { kind: 'url' }>,
  folder: string,
  settings: Parameters<typeof fetchUrl>[2],
  signal: AbortSignal,
): Promise<SourceFile> {
  const url = new URL(source.url);
  const path = join(folder, 'file');
  const { bytes, etag, contentType } = await fetchUrl(url, path, settings, signal);
  const name = url.pathname.split('/').at(-1) || url.hostname;
  return { name, format: formatOfFile(name, source.format, contentType), path, from: withoutQuery(url), bytes, etag };
}
