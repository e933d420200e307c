import { createHash } from 'node:crypto';
import type { Instant } from '../../../contracts/identifiers.ts';
import type { TrainedRows } from '../../../contracts/models/model-version.ts';

/**
 * Whether a version was trained on this row, decided by its window and holdout rule without reading the training rows.
 *
 * @param holdoutKey the value of the holdout's column as text, as the table engine writes it.
 */
export function wasTrainedOn(trained: TrainedRows, at: Instant | null, holdoutKey: string | null): boolean {
  if (at !== null && (at < trained.from || at >= trained.to)) return false;
  const { holdout } = trained;
  if (holdout.kind === 'none') return true;
  if (holdout.kind === 'last') return at === null || at < holdout.from;
  return keyedShare(holdoutKey) >= holdout.fraction;
}

/**
 * Returns a function that says of a row whether a version was trained on it. The version's own holdout column decides;
 * the current configuration may name another one. If the rows lack that column, all rows of the window count as trained
 * on.
 *
 * @param hasKeys whether the rows have that column.
 */
export function trainedOnRow(
  trained: TrainedRows,
  hasKeys: boolean,
): (at: Instant | null, holdoutKey: string | null) => boolean {
  const { holdout } = trained;
  // Treats the version as if it had held out no rows.
  const known: TrainedRows =
    holdout.kind === 'fraction' && !hasKeys ? { ...trained, holdout: { kind: 'none' } } : trained;
  return (at, key) => wasTrainedOn(known, at, key);
}

/**
 * Returns the first 52 bits of the SHA-256 of the key's text, scaled to [0, 1). The holdout was split by the same
 * number.
 */
export function keyedShare(key: string | null): number {
  const digest = createHash('sha256')
    .update(key ?? '')
    .digest('hex');
  return Number.parseInt(digest.slice(0, 13), 16) / 2 ** 52;
}
