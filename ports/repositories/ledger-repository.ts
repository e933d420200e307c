import type { Id, Instant, Page, PageRequest } from '../../contracts/identifiers.ts';
import type { ChainPoint, ChainVerdict, SignedPoint } from '../../contracts/ledger/ledger-chain.ts';
import type { LedgerEntry, LedgerKind } from '../../contracts/ledger/ledger-entry.ts';
import type { Viewer } from '../../contracts/access/principal.ts';

/** A model as its chain knows it, archived or not. */
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
  /** Models that have a chain, in the order of their ids. `not-found` if the one that is named is not there. */
  owners(filter: { readonly project?: string; readonly model?: string }, page: PageRequest): Promise<Page<ChainOwner>>;
  owner(modelId: Id): Promise<ChainOwner | undefined>;
  /**
   * Walks the model's chain in pages, from its first entry or from the one after `from`, and compares it with what was
   * signed of it (rising by sequence). Ends at the first entry that does not fit.
   */
  verify(modelId: Id, signed?: readonly SignedPoint[], from?: ChainPoint): Promise<ChainVerdict>;
  /** The entry of that sequence, as it stands. */
  point(modelId: Id, sequence: number): Promise<ChainPoint | undefined>;
  /** The last entry that was recorded at or before the instant. */
  pointAt(modelId: Id, at: Instant): Promise<ChainPoint | undefined>;
  /** Of which signed copies were made and not thinned out, rising. */
  signedPoints(modelId: Id): Promise<readonly Pick<SignedPoint, 'sequence' | 'signedAt'>[]>;
  noteSigned(modelId: Id, point: Pick<SignedPoint, 'sequence' | 'signedAt'>, by: Id): Promise<void>;
  forgetSigned(modelId: Id, sequences: readonly number[]): Promise<void>;
}
