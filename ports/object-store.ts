import type { Readable } from 'node:stream';
import type { Instant, Sha256 } from '../contracts/identifiers.ts';

export interface StoredBlob {
  readonly sha256: Sha256;
  readonly bytes: number;
  /** When it was put, or put again, last. */
  readonly putAt: Instant;
}

/** What reading stored bytes needs. */
export interface BlobReader {
  /** Size in bytes, or undefined if absent. */
  size(sha256: Sha256): Promise<number | undefined>;
  /** A stream that fails at its end if the bytes are not those that were named. */
  get(sha256: Sha256): Promise<Readable>;
  /** The bytes, checked. For small blobs (JSON, models): at most `limit` bytes, default 1 GiB. */
  read(sha256: Sha256, limit?: number): Promise<Buffer>;
  /** Downloads to `path` (written beside it and renamed, so it is whole or absent) and checks. */
  getFile(sha256: Sha256, path: string): Promise<void>;
}

/**
 * Bytes by their SHA-256. A blob appears whole or not at all; every read is checked against its name, and stored bytes
 * that do not match are `blob-corrupt`. An absent blob is `blob-missing`; a store that does not answer is
 * `store-unavailable`.
 */
export interface ObjectStore extends BlobReader {
  /**
   * Stores the stream under `sha256`. It is read in full and checked, also where the store has the blob already; other
   * bytes than that are `digest-mismatch` and leave everything as it was. Again stores nothing more, and makes the blob
   * young (contracts/runs/collection.ts): whoever refers to what was there before must not find it collected a moment later.
   */
  put(sha256: Sha256, bytes: Readable): Promise<{ readonly bytes: number; readonly existed: boolean }>;
  /** Stores a local file under its own digest. */
  putFile(path: string): Promise<{ readonly sha256: Sha256; readonly bytes: number }>;
  putBytes(bytes: Uint8Array): Promise<{ readonly sha256: Sha256; readonly bytes: number }>;
  remove(sha256: Sha256): Promise<void>;
  /** At most `limit` blobs in the order of their names, from the one after `after` on; fewer only at the end. */
  list(after: Sha256 | null, limit: number): Promise<readonly StoredBlob[]>;
  /** Removes the blob unless it has been put since; answers whether it is gone. */
  removeUntouched(sha256: Sha256, since: Instant): Promise<boolean>;
  /**
   * Stores a small object under a name of its own, beside the blobs and out of reach of their garbage collection. What
   * has that name already stays as it is; answers whether it was stored. Names are `folder/…/file` of a-z, 0-9, - and .
   */
  putNamed(name: string, bytes: Uint8Array): Promise<boolean>;
  /** Its bytes, 1 MiB at most, unchecked: whoever reads it knows how to tell a forged one. Undefined if there is none. */
  readNamed(name: string): Promise<Buffer | undefined>;
  /** Names that begin with `prefix`, which ends with a slash, in their order, from the one after `after` on; at most `limit`. */
  listNamed(prefix: string, after: string | null, limit: number): Promise<readonly string[]>;
  removeNamed(name: string): Promise<void>;
  /** Rejects with `store-unavailable` if it does not answer. */
  check(): Promise<void>;
}
