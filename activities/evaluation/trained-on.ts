import { createHash } from 'node:crypto';
import type { Cell } from '../../contracts/data-types.ts';
import type { Instant } from '../../contracts/identifiers.ts';
import type { TrainedRows } from '../../contracts/model-version.ts';

/** Was a version trained on this row? By its window and holdout rule, which say it without the rows themselves. */
export function wasTrainedOn(trained: TrainedRows, at: Instant | null, holdoutKey: Cell): boolean {
  if (at !== null && (at < trained.from || at >= trained.to)) return false;
  const { holdout } = trained;
  if (holdout.kind === 'none') return true;
  if (holdout.kind === 'last') return at === null || at < holdout.from;
  return keyedShare(holdoutKey) >= holdout.fraction;
}

/**
 * For each row, whether a version was trained on it. By the column that the version's own holdout was split by, which another
 * configuration may have replaced since: where the rows do not have it, nothing says that it was not.
 */
export function rowsTrainedOn(
  trained: TrainedRows,
  times: readonly (Instant | null)[],
  column: (name: string) => readonly Cell[] | undefined,
): boolean[] {
  const { holdout } = trained;
  const keys = holdout.kind === 'fraction' ? column(holdout.by) : [];
  // As if none had been held out.
  const known: TrainedRows = keys === undefined ? { ...trained, holdout: { kind: 'none' } } : trained;
  return times.map((at, row) => wasTrainedOn(known, at, keys?.[row] ?? null));
}

/** The first 52 bits of the SHA-256 of the key's text, as a share of 1: the same that the holdout was split by. */
export function keyedShare(key: Cell): number {
  const digest = createHash('sha256').update(String(key)).digest('hex');
  return Number.parseInt(digest.slice(0, 13), 16) / 2 ** 52;
}
