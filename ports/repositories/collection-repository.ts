import type { CollectedBlob, Collection } from '../../contracts/runs/collection.ts';
import type { Idempotency } from '../../contracts/runs/command.ts';
import type { Id, Instant, Page, PageRequest, Sha256 } from '../../contracts/identifiers.ts';

/** Garbage collections. This repository decides what may be removed; the calling activity removes the bytes. */
export interface CollectionRepository {
  /**
   * Starts a collection. Only one can run at a time: if one is running, returns that one unchanged. If the idempotency
   * key was used before, returns the collection of that request; throws `idempotency-conflict` if the earlier request
   * differs.
   */
  begin(
    wanted: { readonly dryRun: boolean; readonly graceMs: number; readonly by: Id },
    idempotency?: Required<Idempotency>,
  ): Promise<Collection>;
  get(id: Id): Promise<Collection>;
  list(page: PageRequest): Promise<Page<Collection>>;
  /** Returns the blobs that the collection removed, or would have removed in a dry run, in the order of their names. */
  collected(id: Id, page: PageRequest): Promise<Page<CollectedBlob>>;
  /**
   * Returns the cut-off for removing bytes outside a collection: only bytes put before it may be removed, because
   * younger ones may belong to a row that is not written yet. Read the cut-off before deciding which bytes are still
   * referenced.
   */
  putBefore(): Promise<Instant>;
  /** Returns the digest after which the scan continues. */
  cursor(id: Id): Promise<Sha256 | null>;
  /**
   * Marks every blob that a row names, and fixes the age limit for the others: older than the grace period, and older
   * than the oldest unfinished work whose bytes no row may name yet. Repeating the call changes nothing.
   */
  mark(id: Id): Promise<void>;
  /**
   * Returns those of the given blobs that nothing references. Leases of uploads, and commands and runs recorded since
   * the collection began, count as references. Records the returned blobs as collected and forgets their uploads, so
   * that a later request naming one must upload it again.
   */
  claim(id: Id, blobs: readonly CollectedBlob[]): Promise<readonly CollectedBlob[]>;
  /**
   * Moves the cursor; repeating the same page changes nothing. `spared` lists claimed blobs that were put again
   * meanwhile.
   */
  advance(
    id: Id,
    page: { readonly scanned: number; readonly cursor: Sha256; readonly spared: readonly Sha256[] },
  ): Promise<void>;
  /** Ends the collection. If it has ended already, the first result stays. */
  end(id: Id, failure: string | null): Promise<Collection>;
}
