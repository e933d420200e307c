import type { CodeManifest, CodeOrigin, CodeVersion } from '../../contracts/code/code-version.ts';
import type { Id, Page, PageRequest, Scope, Sha256 } from '../../contracts/identifiers.ts';

export interface CodeRepository {
  /**
   * Creates the version (one per model and digest), moves the scope's code head, and records a `new-code` trigger if
   * the head moved. With `staged`, the head stays where it is until `ModelRepository.apply` moves it.
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
