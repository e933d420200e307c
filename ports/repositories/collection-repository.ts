import type { CollectedBlob, Collection } from '../../contracts/runs/collection.ts';
import type { Idempotency } from '../../contracts/runs/command.ts';
import type { Id, Instant, Page, PageRequest, Sha256 } from '../../contracts/identifiers.ts';

/** Collections of garbage. What may be removed is decided here; the activity that asks removes the bytes. */
export interface CollectionRepository {
  /**
   * Begins one. While one is under way it is that one, as it was begun: there is one at a time. Under a key that was used
   * it is the one that was answered then; `idempotency-conflict` if the request was another.
   */
  begin(
    wanted: { readonly dryRun: boolean; readonly graceMs: number; readonly by: Id },
    idempotency?: Required<Idempotency>,
  ): Promise<Collection>;
  get(id: Id): Promise<Collection>;
  list(page: PageRequest): Promise<Page<Collection>>;
  /** What it removed, or would have, in the order of the names. */
  collected(id: Id, page: PageRequest): Promise<Page<CollectedBlob>>;
  /**
   * The minimum age of bytes that are removed outside a collection: younger ones may belong to a row that is not written
   * yet. Read it before deciding which bytes are still referenced.
   */
  putBefore(): Promise<Instant>;
  /** Where it goes on. */
  cursor(id: Id): Promise<Sha256 | null>;
  /**
   * Marks every blob that a row names, and fixes how old the others must be: older than the grace, and older than the
   * oldest work under way whose bytes no row may name yet. A second time changes nothing.
   */
  mark(id: Id): Promise<void>;
  /**
   * Of these, those that nothing reaches; leases of uploads and what was asked for since the marking reach too. They are
   * noted as collected and their uploads forgotten, so that whoever names one now is asked to upload it again.
   */
  claim(id: Id, blobs: readonly CollectedBlob[]): Promise<readonly CollectedBlob[]>;
  /** Moves the cursor, the same page again moving nothing; `spared` are those claimed that were put again meanwhile. */
  advance(
    id: Id,
    page: { readonly scanned: number; readonly cursor: Sha256; readonly spared: readonly Sha256[] },
  ): Promise<void>;
  /** Ends it; the first end stays. */
  end(id: Id, failure: string | null): Promise<Collection>;
}
