import type { Expectation } from '../contracts/data/expectation.ts';
import type { Configuration } from '../contracts/configuration/configuration.ts';
import type { DataFormat } from '../contracts/data/data-format.ts';
import type { Cell, Column } from '../contracts/data/data-types.ts';
import type { DataWarning } from '../contracts/data/data-warning.ts';
import type { DatasetPart, DatasetProfile, ExpectationResult } from '../contracts/data/dataset-version.ts';
import type { RowDifference } from '../contracts/data/dataset-difference.ts';
import type { Instant, Sha256 } from '../contracts/identifiers.ts';
import type { TrainedRows } from '../contracts/models/model-version.ts';
import type { ClassValue, Fill } from '../contracts/models/signature.ts';
import type { RepeatedIds } from '../contracts/monitoring/report.ts';

// All paths are local and absolute. Every call runs in a process of its own with bounded memory and time, which sees
// the files of its request and nothing else. Failures are PerennialErrors with the codes named here.

export interface PrepareBatch {
  /** CSV and NDJSON may be compressed by gzip. */
  readonly files: readonly { readonly name: string; readonly path: string; readonly format: DataFormat }[];
  /** Default: append. */
  readonly mode?: Configuration['data']['mode'];
  /** The columns of the dataset so far; null: infer them from this batch. */
  readonly pinned: readonly Column[] | null;
  /** The parts of the dataset so far, for known keys. */
  readonly known: readonly { readonly path: string; readonly part: DatasetPart }[];
  readonly key?: string;
  /** A column or one scalar expression; gives the row's instant `_at`. */
  readonly timestamp?: string;
  readonly timezone: string;
  /** Texts that mean a missing value. Default: none; an empty field of CSV is missing in any case. */
  readonly nulls?: readonly string[];
  /** What `data.columns` says of columns. */
  readonly columns?: Configuration['data']['columns'];
  /** Columns that must exist: target and features. */
  readonly required: readonly string[];
  /** Columns that a build reads besides, so that none of them is left out without a word. */
  readonly alsoRead?: readonly string[];
  readonly expectations: readonly Expectation[];
  /** What `references` name: the parts of the other model's dataset. */
  readonly references?: readonly ReferencedColumn[];
  /** What `freshness` counts back from; needed where one is expected. */
  readonly asOf?: Instant;
  /** Half-open bounds on `_at`; rows outside are left out before anything is checked. */
  readonly from?: Instant;
  readonly before?: Instant;
  /** An existing empty folder for the parts and the quarantine. */
  readonly outputFolder: string;
}

export interface ReferencedColumn {
  readonly model: string;
  readonly column: string;
  /** What it is, for people: `stations, dataset 3`. */
  readonly label: string;
  readonly parts: readonly string[];
}

export interface PreparedBatch {
  readonly columns: readonly Column[];
  readonly rowsAdded: number;
  /** Rows that are known and equal to the known row. */
  readonly rowsSkipped: number;
  /** Known rows that took the values of the batch's (upsert, snapshot). */
  readonly rowsReplaced: number;
  /** Known rows that are no more (snapshot). */
  readonly rowsRemoved: number;
  /**
   * What becomes of the parts so far, in their order: kept as they are; written anew without the rows that were replaced
   * or with columns that changed; or gone. The parts of the new version are these and then `parts`.
   */
  readonly known: readonly (
    | { readonly kind: 'kept'; readonly part: DatasetPart }
    | { readonly kind: 'rewritten'; readonly part: DatasetPart & { readonly path: string } }
  )[];
  /** New parts (none if no row is new), sorted by `_at` then key, at most 1,000,000 rows each; the same rows give the same bytes. */
  readonly parts: readonly (DatasetPart & { readonly path: string })[];
  readonly expectations: readonly ExpectationResult[];
  /** What a person should know about the batch: bounded, warnings before guesses. */
  readonly warnings: readonly DataWarning[];
  /** An expectation of severity error is broken: there are no parts and no rows added. */
  readonly refused: boolean;
  /** The rows that broke one, as Parquet with `_file`, `_line`, `_row` and `_broke`; null if none did, or the dataset as a whole does. */
  readonly quarantine: { readonly path: string; readonly rows: number } | null;
}

export interface ComparedDataset {
  readonly columns: readonly Column[];
  readonly parts: readonly { readonly sha256: Sha256; readonly path: string }[];
}

export interface CompareDatasets {
  readonly before: ComparedDataset;
  readonly after: ComparedDataset;
  readonly key?: string;
  /** `process-died` after it, where whoever asks cannot wait as long as the engine would. */
  readonly timeLimitMs?: number;
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
  /** Replaces missing feature values in the training rows and in `validationPath`; the holdout keeps them missing. */
  readonly fill?: Readonly<Record<string, Fill>>;
  readonly trainPath: string;
  readonly holdoutPath: string;
  /** Training rows and holdout together, as one that trains: for refits. */
  readonly allPath?: string;
  /** The holdout's features alone, for scripts that ask for it. */
  readonly validationPath?: string;
}

export interface ColumnData {
  readonly rows: number;
  /** Numbers for integer/number/boolean columns on request, else cells. */
  readonly columns: Readonly<Record<string, readonly Cell[]>>;
}

export interface TableEngine {
  /** `data-unreadable`, `data-empty`, `too-large`, `schema-changed`, `duplicate-key`, `key-conflict`, `invalid-expression`. Broken expectations are a result, not an error. */
  prepareBatch(request: PrepareBatch): Promise<PreparedBatch>;
  profile(parts: readonly string[], columns: readonly Column[]): Promise<DatasetProfile>;
  /** Two versions of a dataset, row by row (by key where both have it, else as wholes) and column by column. */
  compare(request: CompareDatasets): Promise<RowDifference>;
  /**
   * Deterministic Parquet, sorted by `_at` then key, of the rows that have a target: missing values, NaN, infinity and
   * blank text are none. Training has the features then the target. `no-data` if either side would be empty,
   * `invalid-configuration` if a fill is no value of its column.
   */
  splitWindow(
    request: SplitWindow,
  ): Promise<Pick<TrainedRows, 'trainingRows' | 'holdoutRows' | 'unlabelled' | 'filled'>>;
  /** Reads columns of Parquet files, in file order, rows in their order; optional half-open bounds on `timeColumn`. At most 5,000,000 rows. */
  readColumns(request: {
    readonly files: readonly string[];
    readonly columns: readonly string[];
    readonly timeColumn?: string;
    readonly from?: Instant;
    readonly to?: Instant;
    readonly orderBy?: readonly string[];
    /** Values as the engine writes them, which is what a holdout by fraction is hashed by; missing ones stay null. */
    readonly asText?: boolean;
    /** One of `columns`, read as a target: a value that is none is null. `labelledOnly` leaves out the rows without one. */
    readonly target?: { readonly column: string; readonly labelledOnly: boolean };
  }): Promise<ColumnData>;
  /** One file of all rows. In CSV a missing value is an empty field, and an empty text is quoted. */
  exportRows(request: {
    readonly parts: readonly string[];
    /** All when absent. */
    readonly columns?: readonly string[];
    readonly format: 'csv' | 'parquet';
    /** In CSV: put an apostrophe before cells that a spreadsheet would run as a formula. Default: false. */
    readonly forSpreadsheets?: boolean;
    readonly path: string;
  }): Promise<void>;
  /** Turns a gateway's NDJSON segment of PredictionRecords into the Parquet of `PredictionSegment`; a torn last line is left out. */
  sealSegment(request: {
    readonly ndjson: string;
    readonly features: readonly string[];
    readonly path: string;
    /** For one `IndexedPrediction` a line, as JSON: of the rows that count, which are neither replayed nor a shadow's. */
    readonly indexPath: string;
  }): Promise<{ readonly rows: number; readonly from: Instant; readonly to: Instant }>;
  /**
   * Served rows in `[from, to)` by event time, replays aside; where an id occurs twice the first recorded counts.
   * Joined with labels by id.
   */
  readServed(request: {
    readonly segments: readonly string[];
    readonly from: Instant;
    readonly to: Instant;
    readonly labels: readonly { readonly id: string; readonly value: ClassValue }[];
  }): Promise<ServedRows>;
}

export interface ServedRows {
  readonly rows: number;
  /** Of the predictions. */
  readonly ids: readonly string[];
  /** When they happened, in milliseconds since 1970 in UTC. */
  readonly eventTimesMs: readonly number[];
  /** By feature name. */
  readonly features: Readonly<Record<string, readonly Cell[]>>;
  /** Numbers or, for a classifier, labels; null if the model had no answer for the row. */
  readonly predictions: readonly (ClassValue | null)[];
  /** As they were logged, one a class of the version that answered; null where it gave none. */
  readonly probabilities: readonly (readonly number[] | null)[];
  readonly releases: readonly Sha256[];
  readonly modelVersions: readonly number[];
  /** null where none was among those that were given. */
  readonly labels: readonly (ClassValue | null)[];
  /** Predictions of the window that have the id of an earlier one, and are not among the rows; null if there are none. */
  readonly repeatedIds: RepeatedIds | null;
}
