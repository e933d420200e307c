import type { ColumnBatch } from '../../contracts/data/column-batch.ts';
import { cellIn, numbersIn } from '../../contracts/data/column-batch.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import type { ServedWindow } from '../../ports/served-window.ts';
import type { AnsweredPiece, ServedAnswers } from './served-sample.ts';

/** A served row, by its number in the window. */
export interface ServedRow {
  readonly row: number;
  readonly release: ServedWindow['releases'][number] | undefined;
  readonly prediction: Cell;
}

/**
 * Returns the rows of a window as answers.
 *
 * @param labelOf returns the label of a row; null leaves the row out.
 */
export function servedAnswers(
  { rows, width, releases, stored }: ServedWindow,
  labelOf: (row: ServedRow) => ClassValue | null,
): ServedAnswers {
  const shares = width === 0 ? [] : ['shares', ...Array.from({ length: width }, (_, place) => `share ${place}`)];
  return {
    rows,
    async *pieces() {
      let first = 0;
      for await (const batch of stored.batches(['release', 'prediction', ...shares])) {
        yield pieceOf(batch, first, { releases, labelOf, width });
        first += batch.rows;
      }
    },
  };
}

interface Read {
  readonly releases: ServedWindow['releases'];
  readonly labelOf: (row: ServedRow) => ClassValue | null;
  readonly width: number;
}

function pieceOf(batch: ColumnBatch, first: number, { releases, labelOf, width }: Read): AnsweredPiece {
  const codes = numbersIn(batch, 0);
  const counts = width === 0 ? null : numbersIn(batch, 2);
  const shares = Array.from({ length: width }, (_, place) => numbersIn(batch, place + 3));
  const predictionOf = (row: number): Cell => cellIn(batch, 1, row);
  return {
    rows: batch.rows,
    predictionOf,
    versionOf: (row) => releases[codes[row] ?? 0]?.modelVersion ?? 0,
    sharesOf: (row) => counts?.[row] || 0,
    shareOf: (row, place) => shares[place]?.[row] ?? Number.NaN,
    labelOf: (row) => labelOf({ row: first + row, release: releases[codes[row] ?? 0], prediction: predictionOf(row) }),
  };
}
