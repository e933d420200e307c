import type { Id, Instant, Page, PageRequest, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { FormattedModel } from '../../contracts/model-format.ts';
import type { ModelVersion } from '../../contracts/models/model-version.ts';

/** Not one `Omit`, which would lose that the format decides the signature. */
type NewModelVersion = FormattedModel &
  Omit<ModelVersion, 'id' | 'modelId' | 'number' | 'recordedAt' | 'recordedBy' | keyof FormattedModel>;

export interface VersionRepository {
  byTrainingKey(modelId: Id, trainingKey: Sha256): Promise<ModelVersion | undefined>;
  /** One per model and training key: the first to commit wins, and a later one is given what the first made. The lease `leaseHolder` must still be held (`lease-lost`). */
  commit(
    scope: Scope,
    version: NewModelVersion,
    context: { readonly by: Id; readonly leaseHolder: string },
  ): Promise<ModelVersion>;
  get(id: Id): Promise<ModelVersion>;
  byNumber(modelId: Id, number: number): Promise<ModelVersion>;
  list(modelId: Id, page: PageRequest): Promise<Page<ModelVersion>>;
  /**
   * Lets go of versions that every evaluation rejected, the last of them before that instant, and that no release
   * pins; their rows stay, and a ledger entry each says so. Answers the bytes that no other version has. At most 100 a call.
   */
  expireRejected(
    scope: Scope,
    before: Instant,
    run: { readonly runId: Id; readonly by: Id },
  ): Promise<readonly Sha256[]>;
}
