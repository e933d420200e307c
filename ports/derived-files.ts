import type { Sha256 } from '../contracts/identifiers.ts';

/**
 * Files that were computed from stored bytes, kept on this machine so that they need not be computed again. Any of them
 * may be missing at any time.
 */
export interface DerivedFiles {
  /**
   * Copies a file to `path`. Returns false if there is no intact copy.
   *
   * @param key digest of everything that the file follows from.
   */
  take(key: Sha256, path: string): Promise<boolean>;
  /** Keeps a copy of a file. A copy that cannot be kept is no error. */
  keep(key: Sha256, path: string): Promise<void>;
}
