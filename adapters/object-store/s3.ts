import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { BucketItem } from 'minio';
import { Client } from 'minio';
import { youngMs } from '../../contracts/runs/collection.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import { eachInTime, limitIdle } from '../../contracts/time/idle-limit.ts';
import type { Instant, Sha256 } from '../../contracts/identifiers.ts';
import type { ObjectStore, StoredBlob } from '../../ports/object-store.ts';
import { collect, defaultReadLimit } from './collect.ts';
import { blobMissing, checkedStream, corruptIn, digestOfFile, wrongUpload } from './digest-check.ts';
import { checkName, collectNamed } from './named-objects.ts';
import { inTime, usualUploadIdleMs, whileItMoves } from './in-time.ts';
import type { OpenStore } from './store-place.ts';
import { temporaryName, writeFetchedStream, writeWholeStream } from './whole-file.ts';

export interface S3Settings {
  /** `https://host[:port]`. */
  readonly endpoint: string;
  /** Created at first use if absent. */
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** Folder in which uploads are kept until they are checked. Default: the system's temporary folder. */
  readonly scratchFolder?: string;
  /** Longest time without a byte, in milliseconds, before a read fails. Default: 30 s. */
  readonly idleMs?: number;
  /** Longest time without progress, in milliseconds, before an upload fails. Default: 120 s. */
  readonly uploadIdleMs?: number;
}

const usualIdleMs = 30_000;
const mebibyte = 2 ** 20;
/** Size of the parts of an upload. Each upload holds about two parts in memory. */
const usualPartBytes = 8 * mebibyte;
/** S3 accepts no more parts in one upload. */
const partsAtMost = 10_000;

/** Returns the size of an upload's parts, which is larger where there would be too many parts. */
export function partBytesFor(bytes: number): number {
  return Math.max(usualPartBytes, Math.ceil(bytes / partsAtMost / mebibyte) * mebibyte);
}

/**
 * Creates a store that keeps blobs as objects `blobs/<sha256>` of one bucket, with named objects beside them. It uses
 * only calls that every S3-compatible server has.
 */
export function createS3ObjectStore(settings: S3Settings): ObjectStore {
  return new S3ObjectStore(settings);
}

export const openS3Store: OpenStore = (settings, { scratchFolder }) => {
  if (settings.S3_ENDPOINT === undefined) return undefined;
  return createS3ObjectStore({
    endpoint: settings.S3_ENDPOINT,
    bucket: settings.S3_BUCKET,
    accessKey: settings.S3_ACCESS_KEY ?? '',
    secretKey: settings.S3_SECRET_KEY ?? '',
    region: settings.S3_REGION,
    ...(scratchFolder === undefined ? {} : { scratchFolder }),
  });
};

class S3ObjectStore implements ObjectStore {
  readonly #settings: S3Settings;
  readonly #client: Client;
  readonly #where: string;
  readonly #idleMs: number;
  readonly #uploadIdleMs: number;
  #bucketReady: Promise<void> | undefined;

  constructor(settings: S3Settings) {
    const url = new URL(settings.endpoint);
    this.#settings = settings;
    this.#idleMs = settings.idleMs ?? usualIdleMs;
    this.#uploadIdleMs = settings.uploadIdleMs ?? usualUploadIdleMs;
    this.#where = `the object store at ${url.origin}/${settings.bucket}`;
    this.#client = clientOf(settings, usualPartBytes);
  }

  async put(sha256: Sha256, bytes: Readable): Promise<{ bytes: number; existed: boolean }> {
    const known = await this.#stat(sha256);
    // Wrong bytes must never be visible under the name, so nothing is sent before all bytes have been checked.
    const spool = join(this.#settings.scratchFolder ?? tmpdir(), temporaryName());
    try {
      const written = await writeWholeStream(checkedStream(bytes, sha256, wrongUpload), `${spool}.tmp`, spool);
      await this.#upload(sha256, spool, written);
      return { bytes: written, existed: known !== undefined };
    } finally {
      await rm(spool, { force: true });
    }
  }

  async putFile(path: string): Promise<{ sha256: Sha256; bytes: number }> {
    const found = await digestOfFile(path);
    if (!isYoung(await this.#stat(found.sha256))) await this.#upload(found.sha256, path, found.bytes);
    return found;
  }

  async putBytes(bytes: Uint8Array): Promise<{ sha256: Sha256; bytes: number }> {
    const sha256 = sha256OfBytes(bytes);
    if (!isYoung(await this.#stat(sha256))) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      await this.#answer(() =>
        whileItMoves(
          this.#client.putObject(this.#settings.bucket, key(sha256), buffer, buffer.length),
          () => 0,
          this.#uploadIdleMs,
        ),
      );
    }
    return { sha256, bytes: bytes.byteLength };
  }

  async size(sha256: Sha256): Promise<number | undefined> {
    return (await this.#stat(sha256))?.bytes;
  }

  async #stat(sha256: Sha256): Promise<StoredBlob | undefined> {
    return this.#answer(async () => {
      try {
        const { size, lastModified } = await inTime(this.#client.statObject(this.#settings.bucket, key(sha256)));
        return { sha256, bytes: size, putAt: lastModified.toISOString() };
      } catch (caught) {
        if (isAbsent(caught)) return undefined;
        throw caught;
      }
    });
  }

  async get(sha256: Sha256): Promise<Readable> {
    const bytes = limitIdle(await this.#open(sha256), this.#idleMs);
    return checkedStream(bytes, sha256, corruptIn(this.#where), (error) => this.#worded(error));
  }

  async read(sha256: Sha256, limit = defaultReadLimit): Promise<Buffer> {
    return collect(await this.get(sha256), sha256, limit);
  }

  async getFile(sha256: Sha256, path: string): Promise<void> {
    await writeFetchedStream(await this.get(sha256), join(dirname(path), temporaryName()), path);
  }

  async remove(sha256: Sha256): Promise<void> {
    await this.#answer(() => inTime(this.#client.removeObject(this.#settings.bucket, key(sha256))));
  }

  async list(after: Sha256 | null, limit: number): Promise<readonly StoredBlob[]> {
    return this.#answer(async () => {
      const listed: StoredBlob[] = [];
      const from = after === null ? '' : key(after);
      // The stream requests the next thousand names only when they are read. Leaving the loop ends it.
      const objects = this.#client.listObjectsV2(this.#settings.bucket, prefix, true, from);
      for await (const object of eachInTime<BucketItem>(objects, this.#idleMs)) {
        const sha256 = object.name?.slice(prefix.length);
        if (sha256 === undefined || object.lastModified === undefined || !blobName.test(sha256)) continue;
        listed.push({ sha256, bytes: object.size, putAt: object.lastModified.toISOString() });
        if (listed.length === limit) break;
      }
      return listed;
    });
  }

  /**
   * Removes the blob unless it was put after `since`. Not all S3 servers can check and remove in one call, so a blob
   * that is put again in the milliseconds between is lost.
   */
  async removeUntouched(sha256: Sha256, since: Instant): Promise<boolean> {
    const found = await this.#stat(sha256);
    if (found !== undefined && found.putAt >= since) return false;
    await this.remove(sha256);
    return true;
  }

  /**
   * Puts the object if the name is free. Not all S3 servers can check and put in one call, so of two concurrent puts
   * the later one's bytes stay.
   */
  async putNamed(name: string, bytes: Uint8Array): Promise<boolean> {
    return this.#answer(async () => {
      const { bucket } = this.#settings;
      const known = await inTime(this.#client.statObject(bucket, checkName(name))).catch(undefinedIfAbsent);
      if (known !== undefined) return false;
      await inTime(this.#client.putObject(bucket, name, Buffer.from(bytes), bytes.byteLength));
      return true;
    });
  }

  async readNamed(name: string): Promise<Buffer | undefined> {
    return this.#answer(async () => {
      const { bucket } = this.#settings;
      const stream = await inTime(this.#client.getObject(bucket, checkName(name))).catch(undefinedIfAbsent);
      if (stream === undefined) return undefined;
      return (await inTime(collectNamed(stream)).finally(() => stream.destroy())) ?? Buffer.alloc(0);
    });
  }

  async listNamed(names: string, after: string | null, limit: number): Promise<readonly string[]> {
    return this.#answer(async () => {
      const listed: string[] = [];
      const objects = this.#client.listObjectsV2(this.#settings.bucket, names, true, after ?? '');
      for await (const { name } of eachInTime<BucketItem>(objects, this.#idleMs)) {
        if (name !== undefined) listed.push(name);
        if (listed.length === limit) break;
      }
      return listed;
    });
  }

  async removeNamed(name: string): Promise<void> {
    await this.#answer(() => inTime(this.#client.removeObject(this.#settings.bucket, checkName(name))));
  }

  async check(): Promise<void> {
    await this.#answer(async () => {
      if (!(await inTime(this.#client.bucketExists(this.#settings.bucket))))
        throw new Error('the bucket does not exist');
    });
  }

  async #open(sha256: Sha256): Promise<Readable> {
    return this.#answer(async () => {
      try {
        return await inTime(this.#client.getObject(this.#settings.bucket, key(sha256)));
      } catch (caught) {
        if (isAbsent(caught)) throw blobMissing(sha256, this.#where);
        throw caught;
      }
    });
  }

  /** Uploads a local file. If the file changed after its digest was taken, its last bytes are never sent. */
  async #upload(sha256: Sha256, path: string, bytes: number): Promise<void> {
    await this.#answer(async () => {
      const file = createReadStream(path);
      const body = checkedStream(file, sha256, wrongUpload);
      // The client does not pass on errors of the stream that it pipes, so it would wait forever for a body that
      // failed.
      const failed = new Promise<never>((_resolve, reject) => body.once('error', reject));
      const partBytes = partBytesFor(bytes);
      const client = partBytes === usualPartBytes ? this.#client : clientOf(this.#settings, partBytes);
      const sent = client.putObject(this.#settings.bucket, key(sha256), body, bytes);
      await whileItMoves(Promise.race([failed, sent]), () => file.bytesRead, this.#uploadIdleMs).finally(() =>
        file.destroy(),
      );
    });
  }

  async #answer<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      await this.#bucket();
      return await work();
    } catch (caught) {
      if (caught instanceof PerennialError) throw caught;
      throw this.#worded(caught);
    }
  }

  #worded(caught: unknown): PerennialError {
    const { endpoint, bucket } = this.#settings;
    return new PerennialError(
      'store-unavailable',
      `${this.#where} does not answer: ${reasonOf(caught) || codeOf(caught)}; check that the store is running, and check its address and keys`,
      { endpoint, bucket },
      { cause: caught },
    );
  }

  #bucket(): Promise<void> {
    this.#bucketReady ??= this.#makeBucket().catch((caught: unknown) => {
      this.#bucketReady = undefined;
      throw caught;
    });
    return this.#bucketReady;
  }

  async #makeBucket(): Promise<void> {
    const { bucket, region } = this.#settings;
    if (await inTime(this.#client.bucketExists(bucket))) return;
    try {
      await inTime(this.#client.makeBucket(bucket, region));
    } catch (caught) {
      // Another process made the bucket first.
      if (!['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'].includes(codeOf(caught))) throw caught;
    }
  }
}

function clientOf({ endpoint, accessKey, secretKey, region }: S3Settings, partSize: number): Client {
  const url = new URL(endpoint);
  const port = url.port === '' ? {} : { port: Number(url.port) };
  const useSSL = url.protocol === 'https:';
  return new Client({ endPoint: url.hostname, ...port, useSSL, accessKey, secretKey, region, partSize });
}

const prefix = 'blobs/';
const blobName = /^[0-9a-f]{64}$/;

function key(sha256: Sha256): string {
  return `${prefix}${sha256}`;
}

function isYoung(blob: StoredBlob | undefined): boolean {
  return blob !== undefined && Date.now() - Date.parse(blob.putAt) < youngMs;
}

function undefinedIfAbsent(caught: unknown): undefined {
  if (!isAbsent(caught)) throw caught;
}

function codeOf(caught: unknown): string {
  return caught instanceof Error && 'code' in caught && typeof caught.code === 'string' ? caught.code : '';
}

function isAbsent(caught: unknown): boolean {
  return ['NotFound', 'NoSuchKey'].includes(codeOf(caught));
}
