import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BucketItem } from 'minio';
import { Client } from 'minio';
import type { S3Connection } from '../../contracts/access/connection.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { eachInTime, limitIdle } from '../../contracts/time/idle-limit.ts';
import type { RemoteSourceOf } from '../../contracts/data/remote-source.ts';
import type { DataSourceOf, Fetching, SourceFile } from '../../ports/data-source.ts';
import type { OutboundRoute } from '../../ports/outbound-hosts.ts';
import { formatOfFile } from './format-of-file.ts';
import type { SourceSettings } from './source-settings.ts';

/** The requested objects and the store that holds them. */
type StoredObjects = Omit<RemoteSourceOf<'s3'>['s3'], 'connection'> & { readonly connection: S3Connection };

const objectsAtMost = 1_000;
/** Longest silence of the store, in milliseconds, before the read fails. */
const idleMs = 30_000;

/** Creates the source for all objects of a key or prefix, in the order of their keys. */
export function createS3Source(settings: SourceSettings): DataSourceOf<RemoteSourceOf<'s3'>> {
  return {
    async fetch({ s3 }, fetching) {
      const connection = await fetching.openConnection(s3.connection, 's3');
      return fetchObjects({ ...s3, connection }, settings, fetching);
    },
  };
}

async function fetchObjects(
  source: StoredObjects,
  { hosts, bytesAtMost }: SourceSettings,
  { folder, signal }: Fetching,
): Promise<SourceFile[]> {
  const route = hosts.trustedRoute(new URL(source.connection.endpoint));
  const client = clientOf(source.connection, route);
  const where = `s3://${source.connection.bucket}/${source.key ?? source.prefix ?? ''}`;
  const objects = source.key === undefined ? await list(client, source, route, where) : [{ key: source.key }];
  const files: SourceFile[] = [];
  let left = bytesAtMost;
  for (const [index, { key }] of objects.entries()) {
    signal.throwIfAborted();
    const name = key.split('/').at(-1) ?? key;
    const format = formatOfFile(name, source.format, null);
    const path = join(folder, String(index).padStart(6, '0'));
    const { bytes, etag } = await answered(where, route, () => download(client, source, key, path, left, signal));
    left -= bytes;
    // Two folders under one prefix may hold files of the same name, so the name is the whole key.
    files.push({ name: key, format, path, from: `s3://${source.connection.bucket}/${key}`, bytes, etag });
  }
  return files;
}

function clientOf({ endpoint, accessKey, secretKey, region }: S3Connection, { agent }: OutboundRoute): Client {
  const url = new URL(endpoint);
  return new Client({
    endPoint: url.hostname,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    useSSL: url.protocol === 'https:',
    accessKey,
    secretKey,
    region,
    transportAgent: agent,
  });
}

async function list(
  client: Client,
  source: StoredObjects,
  route: OutboundRoute,
  where: string,
): Promise<{ readonly key: string }[]> {
  const found: { readonly key: string }[] = [];
  await answered(where, route, async () => {
    const objects = client.listObjectsV2(source.connection.bucket, source.prefix ?? '', true);
    for await (const object of eachInTime<BucketItem>(objects, idleMs)) {
      // Consoles create a "folder" as an empty object whose key ends with a slash.
      if (object.name === undefined || object.name.endsWith('/')) continue;
      found.push({ key: object.name });
      if (found.length > objectsAtMost)
        throw new PerennialError('too-large', `${where} has more than ${objectsAtMost} objects; use a longer prefix`, {
          where,
          limit: objectsAtMost,
        });
    }
  });
  if (found.length === 0) throw new PerennialError('data-empty', `there are no objects under ${where}`, { where });
  return found.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/** Downloads one object. Fails if the object was replaced meanwhile, so that the etag belongs to the bytes. */
async function download(
  client: Client,
  { connection: { bucket } }: StoredObjects,
  key: string,
  path: string,
  bytesAtMost: number,
  signal: AbortSignal,
): Promise<{ readonly bytes: number; readonly etag: string | null }> {
  const { size, etag } = await client.statObject(bucket, key);
  if (size > bytesAtMost)
    throw new PerennialError(
      'too-large',
      `s3://${bucket}/${key} makes the batch larger than ${bytesAtMost} bytes; split the batch, or raise PERENNIAL_FETCH_SIZE on the workers`,
      {
        key,
        bytes: size,
      },
    );
  let bytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(bytes > size ? new Error('more bytes arrived than the object has') : null, chunk);
    },
  });
  const sent = limitIdle(await client.getObject(bucket, key), idleMs);
  await pipeline(sent, counted, createWriteStream(path), { signal });
  if (bytes !== size) throw new Error(`only ${bytes} of ${size} bytes arrived`);
  const after = await client.statObject(bucket, key);
  if (after.etag !== etag) throw new Error('the object was replaced while it was fetched; start the run again');
  return { bytes, etag };
}

async function answered<Result>(where: string, route: OutboundRoute, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (caught) {
    if (caught instanceof PerennialError) throw caught;
    const code = caught instanceof Error && 'code' in caught ? String(caught.code) : '';
    throw new PerennialError(
      'source-unavailable',
      `${where} could not be read: ${route.reasonOf(caught) || code}; check the connection, its keys and the name of the bucket and prefix`,
      { where },
      { cause: caught },
    );
  }
}
