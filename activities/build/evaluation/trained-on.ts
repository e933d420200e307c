import { createHash } from 'node:crypto';
import type { Instant } from '../../../contracts/identifiers.ts';
import type { TrainedRows } from '../../../contracts/models/model-version.ts';

/**
 * Was a version trained on this row? By its window and holdout rule, which say it without the rows themselves.
 *
 * @param holdoutKey as text, as the table engine writes it.
 */
export function wasTrainedOn(trained: TrainedRows, at: Instant | null, holdoutKey: string | null): boolean {
  if (at !== null && (at < trained.from || at >= trained.to)) return false;
  const { holdout } = trained;
  if (holdout.kind === 'none') return true;
  if (holdout.kind === 'last') return at === null || at < holdout.from;
  return keyedShare(holdoutKey) >= holdout.fraction;
}

/**
 * For each row, whether a version was trained on it. By the column that the version's own holdout was split by, which another
 * configuration may have replaced since: where the rows do not have it, nothing says that it was not.
 *
 * @param keys that column as text; undefined: the rows do not have it.
 */
export function rowsTrainedOn(
  trained: TrainedRows,
  times: readonly (Instant | null)[],
  keys: readonly (string | null)[] | undefined,
): boolean[] {
  const { holdout } = trained;
  // As if none had been held out.
  const known: TrainedRows =
    holdout.kind === 'fraction' && keys === undefined ? { ...trained, holdout: { kind: 'none' } } : trained;
  return times.map((at, row) => wasTrainedOn(known, at, keys?.[row] ?? null));
}

/** The first 52 bits of the SHA-256 of the key's text, as a share of 1: the same that the holdout was split by. */
export function keyedShare(key: string | null): number {
  const digest = createHash('sha256')
    .update(key ?? '')
    .digest('hex');
  return Number.parseInt(digest.slice(0, 13), 16) / 2 ** 52;
}
