import type { Id, Instant, Sha256 } from '../../contracts/identifiers.ts';

export interface BlobRepository {
  /** Notes that the project uploaded it, and keeps it from garbage collection until `leaseUntil`. */
  record(
    project: string,
    upload: { readonly sha256: Sha256; readonly bytes: number; readonly leaseUntil: Instant },
    by: Id,
  ): Promise<void>;
  /** Whether the project uploaded the blob or produced it. Only then may a request of the project name it. */
  has(project: string, sha256: Sha256): Promise<boolean>;
}
