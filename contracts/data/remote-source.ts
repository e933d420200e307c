import { z } from 'zod';
import { BatchFile } from './dataset-version.ts';
import { DataFormat } from './data-format.ts';
import { Instant, Name } from '../identifiers.ts';
import { optionsOf, registeredNames } from '../registered-names.ts';

const format = DataFormat.optional().describe(
  'csv, ndjson or parquet; when absent, the extension of the file name decides',
);

const UrlSource = z.strictObject({
  url: z
    .string()
    .max(2000)
    .refine((url) => /^https?:$/.test(protocolOf(url)), 'expected an http or https address')
    .refine((url) => !hasCredentials(url), 'contains credentials, which do not belong in a configuration; remove them')
    .describe('The address of one file over http or https; the server fetches it'),
  format,
});

const S3Source = z.strictObject({
  s3: z
    .strictObject({
      connection: Name.describe('A connection of kind s3, which names the bucket'),
      key: z.string().min(1).max(1024).optional().describe('The key of one object'),
      prefix: z.string().min(1).max(1024).optional().describe('All objects whose keys begin with this text'),
      format,
    })
    .refine(({ key, prefix }) => (key === undefined) !== (prefix === undefined), 'expected either key or prefix')
    .describe('Objects of an S3-compatible store; the server fetches them'),
});

const PostgresSource = z.strictObject({
  postgres: z
    .strictObject({
      connection: Name.describe('A connection of kind postgres; its database role should be allowed to read only'),
      query: z.string().min(1).max(20_000).describe('One SELECT, run in a read-only transaction'),
    })
    .describe('The rows of a query, which the server runs'),
});

/**
 * The sources that the server fetches, by the key that selects them in `data.source`. `adapters/data-source/` fetches
 * each kind, in a file such as `url-source.ts`. Sources whose files the command line uploads are not included.
 */
export const remoteSources = {
  url: UrlSource,
  s3: S3Source,
  postgres: PostgresSource,
};
export type RemoteSourceKind = keyof typeof remoteSources;
export type RemoteSourceOf<Kind extends RemoteSourceKind> = z.infer<(typeof remoteSources)[Kind]>;

export const RemoteSource = z.union(optionsOf(remoteSources));
export type RemoteSource = z.infer<typeof RemoteSource>;

const kinds = registeredNames(remoteSources);

export function remoteSourceKind(source: RemoteSource): RemoteSourceKind {
  return kinds.find((kind) => kind in source) ?? kinds[0];
}

/** One fetched file of a batch: its origin, the time of the fetch, and the ETag that the server reported. */
export const FetchedFile = BatchFile.extend({
  from: z.string(),
  bytes: z.number().int(),
  etag: z.string().nullable(),
  fetchedAt: Instant,
});
export type FetchedFile = z.infer<typeof FetchedFile>;

/** The batch fetched from a source, stored as a blob. */
export const FetchedBatch = z.object({
  schemaVersion: z.literal(1),
  files: z.array(FetchedFile).min(1).max(1000),
});
export type FetchedBatch = z.infer<typeof FetchedBatch>;

function hasCredentials(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : '';
}
