import type { Readable } from 'node:stream';
import type { Instant, Sha256 } from '../contracts/identifiers.ts';

export interface StoredBlob {
  readonly sha256: Sha256;
  readonly bytes: number;
  /** Time of the last put, including puts of a blob that existed already. */
  readonly putAt: Instant;
}

/** Read access to stored blobs. */
export interface BlobReader {
  /** Returns the size in bytes, or `undefined` if the blob is absent. */
  size(sha256: Sha256): Promise<number | undefined>;
  /** Returns a stream that fails at its end if the bytes do not match the digest. */
  get(sha256: Sha256): Promise<Readable>;
  /**
   * Returns the bytes after checking their digest. For small blobs (JSON, models): at most `limit` bytes, 1 GiB by
   * default.
   */
  read(sha256: Sha256, limit?: number): Promise<Buffer>;
  /**
   * Downloads to `path` and checks the digest. Writes to a temporary file and renames it, so `path` is complete or
   * absent.
   */
  getFile(sha256: Sha256, path: string): Promise<void>;
}

/**
 * Stores bytes under their SHA-256. A blob appears completely or not at all, and every read checks the bytes against
 * the digest. Errors: `blob-corrupt` if stored bytes do not match, `blob-missing` if a blob is absent,
 * `store-unavailable` if the store does not answer.
 */
export interface ObjectStore extends BlobReader {
  /**
   * Stores the stream under `sha256`. The stream is always read in full and checked, even if the store has the blob
   * already. Bytes that do not match throw `digest-mismatch` and change nothing. Repeating a put stores nothing new,
   * but makes an old blob young again (contracts/runs/collection.ts), so that garbage collection does not remove a blob
   * that the caller is about to refer to.
   */
  put(sha256: Sha256, bytes: Readable): Promise<{ readonly bytes: number; readonly existed: boolean }>;
  /** Stores a local file under its own digest. */
  putFile(path: string): Promise<{ readonly sha256: Sha256; readonly bytes: number }>;
  putBytes(bytes: Uint8Array): Promise<{ readonly sha256: Sha256; readonly bytes: number }>;
  remove(sha256: Sha256): Promise<void>;
  /**
   * Returns at most `limit` blobs in name order, starting after `after`. Fewer than `limit` means that the end is
   * reached.
   */
  list(after: Sha256 | null, limit: number): Promise<readonly StoredBlob[]>;
  /** Removes the blob unless it was put at or after `since`. Returns whether the blob is gone. */
  removeUntouched(sha256: Sha256, since: Instant): Promise<boolean>;
  /**
   * Stores a small object under a name, separate from the blobs and from their garbage collection. An existing object
   * is never overwritten. Returns whether the object was stored. Names are `folder/…/file` of a-z, 0-9, - and .
   */
  putNamed(name: string, bytes: Uint8Array): Promise<boolean>;
  /**
   * Returns the object's bytes (at most 1 MiB), or `undefined` if it is absent. The bytes are not checked: the reader
   * must be able to detect a forgery.
   */
  readNamed(name: string): Promise<Buffer | undefined>;
  /**
   * Returns at most `limit` names that begin with `prefix` (which ends with a slash), in order, starting after `after`.
   */
  listNamed(prefix: string, after: string | null, limit: number): Promise<readonly string[]>;
  removeNamed(name: string): Promise<void>;
  /** Rejects with `store-unavailable` if the store does not answer. */
  check(): Promise<void>;
}
