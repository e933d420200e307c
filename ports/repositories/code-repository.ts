import type { CodeManifest, CodeOrigin, CodeVersion } from '../../contracts/code/code-version.ts';
import type { Id, Page, PageRequest, Scope, Sha256 } from '../../contracts/identifiers.ts';

export interface CodeRepository {
  /**
   * Makes the version (one per model and digest), moves the scope's code head, records a `new-code` trigger when it
   * moved. A `staged` one leaves the head where it is; `ModelRepository.apply` moves it.
   */
  commit(
    scope: Scope,
    version: { readonly digest: Sha256; readonly manifest: CodeManifest; readonly origin: CodeOrigin },
    context: { readonly runId: Id; readonly by: Id; readonly staged?: boolean },
  ): Promise<{ readonly version: CodeVersion; readonly unchanged: boolean }>;
  get(id: Id): Promise<CodeVersion>;
  byNumber(modelId: Id, number: number): Promise<CodeVersion>;
  list(modelId: Id, page: PageRequest): Promise<Page<CodeVersion>>;
  head(scope: Scope): Promise<CodeVersion | undefined>;
}
