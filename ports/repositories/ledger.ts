import type { Id, Instant, Page, PageRequest } from '../../contracts/identifiers.ts';
import type { LedgerEntry, LedgerKind } from '../../contracts/ledger.ts';
import type { Viewer } from '../../contracts/principal.ts';

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
  /** The first sequence whose digest or chain is wrong; undefined if all hold. */
  verify(modelId: Id): Promise<number | undefined>;
}
