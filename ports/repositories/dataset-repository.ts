import type { FetchedFile } from '../../contracts/data/remote-source.ts';
import type { DataWarning } from '../../contracts/data/data-warning.ts';
import type {
  DatasetManifest,
  DatasetProfile,
  DatasetVersion,
  ExpectationResult,
} from '../../contracts/data/dataset-version.ts';
import type { PartSummary } from '../../contracts/data/part-summary.ts';
import type { Id, Page, PageRequest, Scope, Sha256 } from '../../contracts/identifiers.ts';

export interface DatasetRepository {
  /**
   * Creates the version (one per model and digest) and moves the scope's data head if it is still `expectedHead`, else
   * throws `conflict`. Records a `new-data` trigger if rows were added, replaced or removed and a build started now
   * would read any rows. If the head has this digest already, changes nothing and returns it with `unchanged`.
   */
  commit(
    scope: Scope,
    version: {
      readonly digest: Sha256;
      readonly manifest: DatasetManifest;
      readonly profile: DatasetProfile;
      /** Summaries of the parts, which later appends read instead of the parts. Default: none. */
      readonly summaries?: readonly PartSummary[];
      readonly expectations: readonly ExpectationResult[];
      /** Default: none. */
      readonly warnings?: readonly DataWarning[];
      readonly rowsAdded: number;
      readonly rowsSkipped: number;
      /** Default: none. */
      readonly rowsReplaced?: number;
      /** Default: none. */
      readonly rowsRemoved?: number;
      /** Files that the batch was fetched from, for the ledger. Default: null, the batch was uploaded. */
      readonly fetched?: readonly FetchedFile[] | null;
    },
    context: { readonly runId: Id; readonly expectedHead: Id | null; readonly by: Id },
  ): Promise<{ readonly version: DatasetVersion; readonly unchanged: boolean }>;
  /** Records that nothing was committed, with the reasons and the quarantine. */
  refuse(
    scope: Scope,
    refusal: {
      readonly expectations: readonly ExpectationResult[];
      readonly quarantine: Sha256 | null;
      readonly rows: number;
    },
    context: { readonly runId: Id; readonly by: Id },
  ): Promise<void>;
  /**
   * Returns the quarantine that `refuse` recorded for a run. Throws `not-found` if it refused nothing or no single row
   * failed.
   */
  quarantine(run: { readonly modelId: Id; readonly runId: Id }): Promise<Sha256>;
  get(id: Id): Promise<DatasetVersion>;
  /** Returns the summaries of a version's parts. Parts of versions that were committed without summaries have none. */
  summaries(id: Id): Promise<readonly PartSummary[]>;
  byNumber(modelId: Id, number: number): Promise<DatasetVersion>;
  /** Returns versions without their profiles, newest first. */
  list(modelId: Id, page: PageRequest): Promise<Page<DatasetVersion>>;
  head(scope: Scope): Promise<DatasetVersion | undefined>;
  /**
   * Returns the first data head of any model and environment, in the order of ids, whose profile is partly that of an
   * earlier version (`asOf`). `after` is the id of a head before it; null begins.
   */
  partlyProfiled(after: Id | null): Promise<DatasetVersion | undefined>;
  /** Records a profile of every row, which replaces such a profile. Only the first one of a version counts. */
  recordFullProfile(id: Id, profile: DatasetProfile): Promise<void>;
}
