import type { Id, Instant, Page, PageRequest, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { FormattedModel } from '../../contracts/model-format.ts';
import type { ModelVersion } from '../../contracts/models/model-version.ts';

/** Intersects with `FormattedModel` because a single `Omit` would lose the link between format and signature. */
type NewModelVersion = FormattedModel &
  Omit<ModelVersion, 'id' | 'modelId' | 'number' | 'recordedAt' | 'recordedBy' | keyof FormattedModel>;

export interface VersionRepository {
  byTrainingKey(modelId: Id, trainingKey: Sha256): Promise<ModelVersion | undefined>;
  /**
   * Stores one version per model and training key: the first commit wins, and later ones get its version. Throws
   * `lease-lost` if `leaseHolder` no longer holds the lease.
   */
  commit(
    scope: Scope,
    version: NewModelVersion,
    context: { readonly by: Id; readonly leaseHolder: string },
  ): Promise<ModelVersion>;
  get(id: Id): Promise<ModelVersion>;
  byNumber(modelId: Id, number: number): Promise<ModelVersion>;
  list(modelId: Id, page: PageRequest): Promise<Page<ModelVersion>>;
  /**
   * Expires versions that every evaluation rejected, the last time before the instant, and that no release pins. Their
   * rows stay, and each gets a ledger entry. Expires at most 100 per call. Returns the digests of bytes that no other
   * version has.
   */
  expireRejected(
    scope: Scope,
    before: Instant,
    run: { readonly runId: Id; readonly by: Id },
  ): Promise<readonly Sha256[]>;
}
