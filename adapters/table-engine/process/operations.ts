import type { Column } from '../../../contracts/data/data-types.ts';
import type { DatasetProfile } from '../../../contracts/data/dataset-version.ts';
import type { RowDifference } from '../../../contracts/data/dataset-difference.ts';
import type { ErrorCode, ErrorFields } from '../../../contracts/errors.ts';
import type {
  CompareDatasets,
  PrepareBatch,
  PreparedBatch,
  SplitWindow,
  TableEngine,
} from '../../../ports/table-engine.ts';
import type { ReadServed, ServedWindow } from '../../../ports/served-window.ts';
import type { ColumnFile } from '../columns/column-file.ts';

type Request<Name extends keyof TableEngine> = Parameters<TableEngine[Name]>[0];
type Result<Name extends keyof TableEngine> = Awaited<ReturnType<TableEngine[Name]>>;

/** Operations that the engine calls in its processes. */
export interface Operations {
  prepareBatch: { request: PrepareBatch; result: PreparedBatch };
  profile: {
    request: { readonly parts: readonly string[]; readonly columns: readonly Column[] };
    result: DatasetProfile;
  };
  compare: { request: CompareDatasets; result: RowDifference };
  splitWindow: { request: SplitWindow; result: Result<'splitWindow'> };
  storeColumns: { request: Request<'storeColumns'>; result: ColumnFile };
  exportRows: { request: Request<'exportRows'>; result: null };
  sealSegment: { request: Request<'sealSegment'>; result: Result<'sealSegment'> };
  readServed: {
    request: ReadServed;
    result: Omit<ServedWindow, 'stored'> & { readonly file: ColumnFile };
  };
  keepAnswers: { request: Request<'keepAnswers'>; result: null };
  summariseSegments: { request: Request<'summariseSegments'>; result: Result<'summariseSegments'> };
}

export type OperationName = keyof Operations;

/**
 * One call, sent as a line of JSON on the process's standard input. Each answer of the kind `supply` is followed by one
 * more line, which is empty, when the files exist.
 */
export interface Call<Name extends OperationName = OperationName> {
  readonly operation: Name;
  readonly request: Operations[Name]['request'];
  readonly folder: string;
  readonly memoryLimits: MemoryLimits;
  /** Whether the caller creates files on demand. */
  readonly suppliesFiles: boolean;
}

/**
 * Memory limits of one call's database, e.g. `1024MiB`, by the number of columns. Each column needs buffers, however
 * few the rows are.
 */
export interface MemoryLimits {
  /** Up to 500 columns. */
  readonly narrow: string;
  /** Up to 2,000 columns, or if their number is unknown. */
  readonly usual: string;
  readonly wide: string;
}

/** Lines on the process's standard output. The last one is a result or an error; those before it ask for files. */
export type OperationAnswer<Name extends OperationName> =
  | { readonly kind: 'supply'; readonly paths: readonly string[] }
  | { readonly kind: 'result'; readonly result: Operations[Name]['result'] }
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string; readonly fields: ErrorFields };
