import type { Id, Instant, Page, PageRequest } from '../../contracts/identifiers.ts';
import type { ChainPoint, ChainVerdict, SignedPoint } from '../../contracts/ledger/ledger-chain.ts';
import type { LedgerEntry, LedgerKind } from '../../contracts/ledger/ledger-entry.ts';
import type { Viewer } from '../../contracts/access/principal.ts';

/** A model that has a ledger chain, archived or not. */
export interface ChainOwner {
  readonly project: string;
  readonly model: string;
  readonly modelId: Id;
}

export interface LedgerRepository {
  /** Newest first. */
  list(
    viewer: Viewer,
    filter: {
      readonly project: string;
      readonly model?: string;
      readonly environment?: string;
      readonly kind?: LedgerKind;
      readonly since?: Instant;
      readonly until?: Instant;
    },
    page: PageRequest,
  ): Promise<Page<LedgerEntry & { readonly principalName: string }>>;
  /** Returns models in the order of their ids. Throws `not-found` if the named model does not exist. */
  owners(filter: { readonly project?: string; readonly model?: string }, page: PageRequest): Promise<Page<ChainOwner>>;
  owner(modelId: Id): Promise<ChainOwner | undefined>;
  /**
   * Walks the model's chain in pages, from its first entry or from the one after `from`, and compares it with the
   * signed points (ascending by sequence). Stops at the first entry that does not match.
   */
  verify(modelId: Id, signed?: readonly SignedPoint[], from?: ChainPoint): Promise<ChainVerdict>;
  /** Returns the entry with this sequence number as stored. */
  point(modelId: Id, sequence: number): Promise<ChainPoint | undefined>;
  /** Returns the last entry recorded at or before the instant. */
  pointAt(modelId: Id, at: Instant): Promise<ChainPoint | undefined>;
  /** Returns the points that have a signed copy, in ascending order. Removed copies are left out. */
  signedPoints(modelId: Id): Promise<readonly Pick<SignedPoint, 'sequence' | 'signedAt'>[]>;
  noteSigned(modelId: Id, point: Pick<SignedPoint, 'sequence' | 'signedAt'>, by: Id): Promise<void>;
  forgetSigned(modelId: Id, sequences: readonly number[]): Promise<void>;
}
