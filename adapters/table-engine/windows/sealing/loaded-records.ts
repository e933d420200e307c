import type { StoredKind } from '../../../../contracts/data/column-batch.ts';

/**
 * The relation `records` of a segment, however it was written. It has the columns id, request, row, event_time and
 * recorded_at (TIMESTAMP in UTC), release, model_version, generation, role and replay. The other columns of the Parquet
 * file are given as SQL over it.
 */
export interface LoadedRecords {
  /** `prediction` and, if a record has them, `probabilities`, `vectors`, `error` and `request`, each with its name. */
  readonly answers: readonly string[];
  /** One expression per feature, in the order of the request. */
  readonly features: readonly string[];
}

/**
 * Returns the Parquet type of a column with values of these kinds; VARCHAR for mixed ones. A column without values is
 * BOOLEAN, which converts to any other type: if segments are read together, the numbers and texts of other segments
 * keep their type.
 */
export function typeOfKinds(kinds: readonly StoredKind[]): 'DOUBLE' | 'BOOLEAN' | 'VARCHAR' {
  if (kinds.length === 0) return 'BOOLEAN';
  if (kinds.every((kind) => kind === 'number')) return 'DOUBLE';
  return kinds.every((kind) => kind === 'boolean') ? 'BOOLEAN' : 'VARCHAR';
}
