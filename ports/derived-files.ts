import type { Sha256 } from '../contracts/identifiers.ts';

/**
 * Files that were computed from stored bytes, kept on this machine so that they need not be computed again. Any of them
 * may be missing at any time.
 */
export interface DerivedFiles {
  /** Copies files to their paths. Returns the keys of those that have an intact copy. */
  take(files: readonly DerivedFile[]): Promise<ReadonlySet<Sha256>>;
  /** Keeps a copy of a file. A copy that cannot be kept is no error. */
  keep(file: DerivedFile): Promise<void>;
}

export interface DerivedFile {
  /** Digest of everything from which the file was computed. */
  readonly key: Sha256;
  readonly path: string;
}
