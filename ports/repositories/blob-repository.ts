import type { Id, Instant, Sha256 } from '../../contracts/identifiers.ts';

export interface BlobRepository {
  /** Records that the project uploaded the blob, and protects it from garbage collection until `leaseUntil`. */
  record(
    project: string,
    upload: { readonly sha256: Sha256; readonly bytes: number; readonly leaseUntil: Instant },
    by: Id,
  ): Promise<void>;
  /** Returns whether the project uploaded or produced the blob. Only then may a request of the project name it. */
  has(project: string, sha256: Sha256): Promise<boolean>;
}
