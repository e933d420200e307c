import type { Expectation } from '../contracts/configuration.ts';
import type { Cell, Column } from '../contracts/data-types.ts';
import type { DatasetPart, DatasetProfile, ExpectationResult } from '../contracts/dataset.ts';
import type { Instant, Sha256 } from '../contracts/identifiers.ts';

// All paths are local and absolute. Every call runs in a process of its own with bounded memory and time, external
// access limited to the folders of the paths given. Failures are PerennialErrors with the codes named here.

export interface PrepareBatch {
  readonly files: readonly { readonly name: string; readonly path: string; readonly format: 'csv' | 'parquet' }[];
  /** The columns of the dataset so far; null: infer them from this batch. */
  readonly pinned: readonly Column[] | null;
  /** The parts of the dataset so far, for known keys. */
  readonly known: readonly { readonly path: string; readonly part: DatasetPart }[];
  readonly key?: string;
  /** A column or one scalar expression; gives the row's instant `_at`. */
  readonly timestamp?: string;
  readonly timezone: string;
  /** Columns that must exist: target and features. */
  readonly required: readonly string[];
  readonly expectations: readonly Expectation[];
  /** Half-open bounds on `_at`; rows outside are left out before anything is checked. */
  readonly from?: Instant;
  readonly before?: Instant;
  /** An existing empty folder for the parts and the quarantine. */
  readonly outputFolder: string;
}

export interface PreparedBatch {
  readonly columns: readonly Column[];
  readonly rowsAdded: number;
  /** Rows whose key is known and which are equal to the known row. */
  readonly rowsSkipped: number;
  /** New parts (none if no row is new), sorted by `_at` then key, at most 1,000,000 rows each; the same rows give the same bytes. */
  readonly parts: readonly (DatasetPart & { readonly path: string })[];
  readonly expectations: readonly ExpectationResult[];
  /** Rows that broke an expectation of severity error, as Parquet with their line numbers; null if none did. */
  readonly quarantine: { readonly path: string; readonly rows: number } | null;
}

export type HoldoutRule =
  | { readonly kind: 'last'; readonly from: Instant }
  | { readonly kind: 'fraction'; readonly fraction: number; readonly by: string };

export interface SplitWindow {
  readonly parts: readonly string[];
  readonly from?: Instant;
  readonly to?: Instant;
  readonly holdout: HoldoutRule;
  readonly features: readonly string[];
  readonly target: string;
  /** Written to the holdout besides features and target (slices, key, `_at`); never to what trains. */
  readonly carried: readonly string[];
  readonly key?: string;
  readonly trainPath: string;
  readonly holdoutPath: string;
  /** The holdout's features alone, for scripts that ask for it. */
  readonly validationPath?: string;
}

export interface ColumnData {
  readonly rows: number;
  /** Numbers for integer/number/boolean columns on request, else cells. */
  readonly columns: Readonly<Record<string, readonly Cell[]>>;
}

export interface TableEngine {
  /** `data-unreadable`, `data-empty`, `schema-changed`, `duplicate-key`, `key-conflict`, `invalid-expression`. Broken expectations are a result, not an error. */
  prepareBatch(request: PrepareBatch): Promise<PreparedBatch>;
  profile(parts: readonly string[], columns: readonly Column[]): Promise<DatasetProfile>;
  /** Deterministic Parquet, sorted by `_at` then key. Training has the features then the target. `no-data` if either side would be empty. */
  splitWindow(request: SplitWindow): Promise<{ readonly trainingRows: number; readonly holdoutRows: number }>;
  /** Reads columns of Parquet files, in file order, rows in their order; optional half-open bounds on `timeColumn`. At most 5,000,000 rows. */
  readColumns(request: {
    readonly files: readonly string[];
    readonly columns: readonly string[];
    readonly timeColumn?: string;
    readonly from?: Instant;
    readonly to?: Instant;
    readonly orderBy?: readonly string[];
  }): Promise<ColumnData>;
  /** One file of all rows; CSV neutralises cells that a spreadsheet would run as a formula. */
  exportRows(request: {
    readonly parts: readonly string[];
    readonly columns: readonly string[];
    readonly format: 'csv' | 'parquet';
    readonly path: string;
  }): Promise<void>;
  /** Turns a gateway's NDJSON segment of PredictionRecords into the Parquet of `PredictionSegment`; a torn last line is left out. */
  sealSegment(request: {
    readonly ndjson: string;
    readonly features: readonly string[];
    readonly path: string;
  }): Promise<{ readonly rows: number; readonly from: Instant; readonly to: Instant }>;
  /**
   * Served rows in `[from, to)` by event time, replays aside; where an id occurs twice the first recorded counts.
   * Joined with labels by id.
   */
  readServed(request: {
    readonly segments: readonly string[];
    readonly from: Instant;
    readonly to: Instant;
    readonly labels: readonly { readonly id: string; readonly value: number }[];
  }): Promise<ServedRows>;
}

export interface ServedRows {
  readonly rows: number;
  /** By feature name. */
  readonly features: Readonly<Record<string, readonly Cell[]>>;
  readonly predictions: readonly number[];
  readonly releases: readonly Sha256[];
  readonly modelVersions: readonly number[];
  /** null where no label has arrived. */
  readonly labels: readonly (number | null)[];
}
