import type { StoredKind } from '../contracts/data/column-batch.ts';
import type { Expectation } from '../contracts/data/expectation.ts';
import type { Configuration } from '../contracts/configuration/configuration.ts';
import type { DataFormat } from '../contracts/data/data-format.ts';
import type { Cell, Column } from '../contracts/data/data-types.ts';
import type { DataWarning } from '../contracts/data/data-warning.ts';
import type { PartFacts } from '../contracts/data/part-summary.ts';
import type { DatasetPart, DatasetProfile, ExpectationResult } from '../contracts/data/dataset-version.ts';
import type { RowDifference } from '../contracts/data/dataset-difference.ts';
import type { Instant, Sha256 } from '../contracts/identifiers.ts';
import type { TrainedRows } from '../contracts/models/model-version.ts';
import type { Fill } from '../contracts/models/signature.ts';
import type { ReadServed, ServedWindow } from './served-window.ts';
import type { Counting, SegmentSummary } from './segment-summary.ts';
import type { StoredColumns } from './stored-columns.ts';

// All paths are local and absolute. Every call runs in its own process with bounded memory and time. The process sees
// only the files of its request. Failures are PerennialErrors with the codes named here.

export interface PrepareBatch {
  /** CSV and NDJSON files may be gzip-compressed. */
  readonly files: readonly { readonly name: string; readonly path: string; readonly format: DataFormat }[];
  /** Default: append. */
  readonly mode?: Configuration['data']['mode'];
  /** Columns of the existing dataset; null: infer the columns from this batch. */
  readonly pinned: readonly Column[] | null;
  /** Parts of the existing dataset, used to recognise known keys. */
  readonly known: readonly KnownPart[];
  /**
   * Creates files of known parts. Without it, all of them must exist. With it, none need exist: the engine asks for the
   * files that the batch needs, each at most once. A part without `summary` is always needed.
   */
  readonly supply?: (paths: readonly string[]) => Promise<void>;
  readonly key?: string;
  /** A column name or one scalar expression that gives each row's instant `_at`. */
  readonly timestamp?: string;
  readonly timezone: string;
  /** Texts that mean a missing value. Default: none. An empty CSV field is always missing. */
  readonly nulls?: readonly string[];
  /** The column settings of `data.columns`. */
  readonly columns?: Configuration['data']['columns'];
  /** Columns that must exist: the target and the features. */
  readonly required: readonly string[];
  /**
   * Further columns that a build reads. The batch is refused if one of them cannot be kept; a column that nothing reads
   * is left out with a warning.
   */
  readonly alsoRead?: readonly string[];
  readonly expectations: readonly Expectation[];
  /** Columns used by `references` expectations, with the parts of the other models' datasets. */
  readonly references?: readonly ReferencedColumn[];
  /** Instant from which `freshness` expectations count back. Required if there is one. */
  readonly asOf?: Instant;
  /** Half-open bounds on `_at`. Rows outside them are dropped before any check. */
  readonly from?: Instant;
  readonly before?: Instant;
  /** Whether the result has summaries. Default: true. */
  readonly summarise?: boolean;
  /** An existing empty folder for the parts, the key hashes and the quarantine. */
  readonly outputFolder: string;
}

export interface KnownPart {
  readonly path: string;
  readonly part: DatasetPart;
  /** Facts that `prepareBatch` gave about the part, with the same key. */
  readonly summary?: Pick<PartFacts, 'stored' | 'bounds'> & {
    /** Columns without a value. */
    readonly empty: readonly string[];
    /** Path of the key hashes; null if there are none. */
    readonly keys: string | null;
  };
}

/** Summary of a part that is new or had none. */
export interface SummarisedPart {
  readonly part: Sha256;
  readonly facts: PartFacts;
  /** File of the key hashes; null without a key. */
  readonly keys: { readonly path: string } | null;
}

export interface ReferencedColumn {
  readonly model: string;
  readonly column: string;
  /** Label for people, such as `stations, dataset 3`. */
  readonly label: string;
  readonly parts: readonly string[];
}

export interface PreparedBatch {
  readonly columns: readonly Column[];
  readonly rowsAdded: number;
  /** Number of rows whose key is known and that equal the known row. */
  readonly rowsSkipped: number;
  /** Number of known rows that took new values from the batch (upsert, snapshot). */
  readonly rowsReplaced: number;
  /** Number of known rows that were removed because the batch lacks them (snapshot). */
  readonly rowsRemoved: number;
  /**
   * What happens to the existing parts, in order. Each part is kept, or rewritten without replaced rows or with changed
   * columns, or absent from this list if nothing of it remains. The new version consists of these parts, followed by
   * `parts`.
   */
  readonly known: readonly (
    | { readonly kind: 'kept'; readonly part: DatasetPart }
    | { readonly kind: 'rewritten'; readonly part: DatasetPart & { readonly path: string } }
  )[];
  /**
   * New parts, sorted by `_at` then key, with at most 1,000,000 rows each; empty if no row is new. Equal rows give
   * equal bytes.
   */
  readonly parts: readonly (DatasetPart & { readonly path: string })[];
  readonly expectations: readonly ExpectationResult[];
  /** Warnings for the user, limited in number; warnings come before guesses. */
  readonly warnings: readonly DataWarning[];
  /** True if an expectation of severity `error` failed. There are then no parts and no added rows. */
  readonly refused: boolean;
  /**
   * The rows that failed an expectation, as Parquet with `_file`, `_line`, `_row` and `_broke`. Null if no row failed,
   * or if only an expectation about the dataset as a whole failed.
   */
  readonly quarantine: { readonly path: string; readonly rows: number } | null;
  /** Summaries of the new and rewritten parts, and of the known parts that have none. */
  readonly summaries: readonly SummarisedPart[];
  /** The profile of the new version, if it consists of the batch's rows alone; otherwise null. */
  readonly profile: DatasetProfile | null;
}

export interface ComparedDataset {
  readonly columns: readonly Column[];
  readonly parts: readonly { readonly sha256: Sha256; readonly path: string }[];
}

export interface CompareDatasets {
  readonly before: ComparedDataset;
  readonly after: ComparedDataset;
  readonly key?: string;
  /** Shorter time limit than the engine's own, for callers that cannot wait. Exceeding it throws `process-died`. */
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
  /** Columns written to the holdout besides features and target (slices, key, `_at`), never to the training rows. */
  readonly carried: readonly string[];
  readonly key?: string;
  /**
   * Values that replace missing feature values in the training rows and in `validationPath`. The holdout keeps them
   * missing.
   */
  readonly fill?: Readonly<Record<string, Fill>>;
  readonly trainPath: string;
  readonly holdoutPath: string;
  /** File for training and holdout rows together, in training layout, for refits. */
  readonly allPath?: string;
  /** File for the holdout's features alone, for scripts that ask for it. */
  readonly validationPath?: string;
}

export interface ColumnData {
  readonly rows: number;
  /** Cells by column name. With `asText`, every value is a text or null. */
  readonly columns: Readonly<Record<string, readonly Cell[]>>;
}

export interface TableEngine {
  /**
   * Reads and checks a batch and writes its new parts. A failed expectation is part of the result, not an error.
   * Errors: `data-unreadable`, `data-empty`, `too-large`, `schema-changed`, `duplicate-key`, `key-conflict`,
   * `invalid-expression`.
   */
  prepareBatch(request: PrepareBatch): Promise<PreparedBatch>;
  profile(parts: readonly string[], columns: readonly Column[]): Promise<DatasetProfile>;
  /**
   * Compares two versions of a dataset by row and by column. Rows are matched by key if both versions have it, else as
   * a whole.
   */
  compare(request: CompareDatasets): Promise<RowDifference>;
  /**
   * Writes deterministic Parquet, sorted by `_at` then key, of the rows that have a target. Missing values, NaN,
   * infinity and blank text do not count as a target. The training file has the features, then the target. Errors:
   * `no-data` if either side would be empty; `invalid-configuration` if a fill value does not fit its column.
   */
  splitWindow(
    request: SplitWindow,
  ): Promise<Pick<TrainedRows, 'trainingRows' | 'holdoutRows' | 'unlabelled' | 'filled'>>;
  /**
   * Stores columns of Parquet files as typed columns. Instants of `_at` become milliseconds since
   * 1970 in UTC. A column of whole numbers of which one is beyond 2^53 becomes text, as do dates and other times. There is
   * no limit on the number of rows.
   */
  storeColumns(request: {
    readonly files: readonly string[];
    readonly columns: readonly string[];
    /**
     * Columns that are also stored as the engine prints them, which is what the holdout rule `fraction` hashes, under
     * their name after `text `.
     */
    readonly texts?: readonly string[];
    /** Half-open bounds on a column of instants. Rows outside them are left out. */
    readonly between?: { readonly column: string; readonly from: Instant; readonly to: Instant };
    /** Columns by which the rows are sorted. Default: file and row order. */
    readonly orderBy?: readonly string[];
    /** Drops rows without a target. */
    readonly target?: string;
    /** One of `columns`, read as a target: a value that is not a valid target becomes missing. */
    readonly label?: string;
    /** The file that the columns are stored in. */
    readonly path: string;
  }): Promise<StoredColumns>;
  /** Writes all rows to one file. In CSV a missing value is an empty field and an empty text is quoted. */
  exportRows(request: {
    readonly parts: readonly string[];
    /** Default: all columns. */
    readonly columns?: readonly string[];
    readonly format: 'csv' | 'parquet';
    /** CSV only: puts an apostrophe before cells that a spreadsheet would run as a formula. Default: false. */
    readonly forSpreadsheets?: boolean;
    readonly path: string;
  }): Promise<void>;
  /**
   * Converts a gateway's segment to the Parquet of `PredictionSegment`. Drops an incomplete last block or line. Throws
   * `data-unreadable` for a segment with a broken block or line, and `data-empty` for one without a row.
   */
  sealSegment(request: SegmentToSeal): Promise<{
    readonly rows: number;
    readonly from: Instant;
    readonly to: Instant;
    /** Null without `counting`. */
    readonly summary: SegmentSummary | null;
  }>;
  /**
   * Writes for each segment a segment of the served rows that a release answered, in their order and without features:
   * a small part of the bytes.
   */
  keepAnswers(request: {
    readonly segments: readonly { readonly path: string; readonly answers: string }[];
    readonly release: Sha256;
  }): Promise<void>;
  /** Summarises the served rows of each segment, as `sealSegment` does. */
  summariseSegments(request: {
    readonly segments: readonly string[];
    readonly counting: Counting;
  }): Promise<readonly SegmentSummary[]>;
  /**
   * Selects the predictions that were served in `[from, to)` by event time, counts their values, and stores their rows as
   * typed columns. There is no limit on their number.
   */
  readServed(request: ReadServed): Promise<ServedWindow>;
}

/** A segment of the prediction log on a gateway's disk. */
export type SegmentToSeal = {
  readonly features: readonly string[];
  readonly path: string;
  /** Output file with one JSON `IndexedPrediction` per line, for rows that are neither replayed nor a shadow's. */
  readonly indexPath: string;
  /** How the segment's summary is to be counted. Absent: it is not summarised. */
  readonly counting?: Counting;
} & (
  | {
      /** A file of blocks, as described in `contracts/serving/segment-blocks/block-format.ts`. */
      readonly blocks: string;
      /** How each feature is stored. */
      readonly kinds: readonly StoredKind[];
    }
  | {
      /** A file of `PredictionRecord`s, one per line, as gateways up to 0.2 wrote it. */
      readonly ndjson: string;
    }
);
