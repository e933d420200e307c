import type { Id, Instant, Sha256 } from '../../contracts/identifiers.ts';

export interface BlobRepository {
  /** Notes that the store has it, and keeps it from garbage collection until `leaseUntil`. */
  record(sha256: Sha256, bytes: number, leaseUntil: Instant, by: Id): Promise<void>;
  has(sha256: Sha256): Promise<boolean>;
}
