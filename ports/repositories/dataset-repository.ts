import type { FetchedFile } from '../../contracts/data/remote-source.ts';
import type { DataWarning } from '../../contracts/data/data-warning.ts';
import type {
  DatasetManifest,
  DatasetProfile,
  DatasetVersion,
  ExpectationResult,
} from '../../contracts/data/dataset-version.ts';
import type { Id, Page, PageRequest, Scope, Sha256 } from '../../contracts/identifiers.ts';

export interface DatasetRepository {
  /**
   * Makes the version (one per model and digest), moves the scope's data head if it is still `expectedHead`
   * (else `conflict`), and records a `new-data` trigger when rows were added, replaced or removed, and a build of now would read any. With `unchanged` it only answers.
   */
  commit(
    scope: Scope,
    version: {
      readonly digest: Sha256;
      readonly manifest: DatasetManifest;
      readonly profile: DatasetProfile;
      readonly expectations: readonly ExpectationResult[];
      /** Default: none. */
      readonly warnings?: readonly DataWarning[];
      readonly rowsAdded: number;
      readonly rowsSkipped: number;
      /** Default: none. */
      readonly rowsReplaced?: number;
      /** Default: none. */
      readonly rowsRemoved?: number;
      /** What the batch was fetched from, for the ledger. Default: it was uploaded. */
      readonly fetched?: readonly FetchedFile[] | null;
    },
    context: { readonly runId: Id; readonly expectedHead: Id | null; readonly by: Id },
  ): Promise<{ readonly version: DatasetVersion; readonly unchanged: boolean }>;
  /** Records that nothing was committed and why, with the quarantine. */
  refuse(
    scope: Scope,
    refusal: {
      readonly expectations: readonly ExpectationResult[];
      readonly quarantine: Sha256 | null;
      readonly rows: number;
    },
    context: { readonly runId: Id; readonly by: Id },
  ): Promise<void>;
  /** What `refuse` recorded of a run; `not-found` if it refused nothing, or no single row broke anything. */
  quarantine(run: { readonly modelId: Id; readonly runId: Id }): Promise<Sha256>;
  get(id: Id): Promise<DatasetVersion>;
  byNumber(modelId: Id, number: number): Promise<DatasetVersion>;
  /** Newest first, without profiles. */
  list(modelId: Id, page: PageRequest): Promise<Page<DatasetVersion>>;
  head(scope: Scope): Promise<DatasetVersion | undefined>;
}
