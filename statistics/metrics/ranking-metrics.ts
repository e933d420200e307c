import { byRow, bytesByRow } from './by-row.ts';
import { descending } from './row-order.ts';
import type { RankedMetric, Weights } from './sample.ts';

/**
 * Computes the area under the receiver operating characteristic curve: the probability that a wanted row scores above
 * one that is not wanted, with ties counting half. Equal to scikit-learn's `roc_auc_score`; NaN if all rows or no rows
 * are wanted.
 *
 * @param isWanted returns whether a row is wanted, i.e. of the positive class.
 */
export function areaUnderCurve(score: ArrayLike<number>, isWanted: (row: number) => boolean): RankedMetric {
  const { order, wanted, begins } = ranked(score, isWanted);
  return rankedMetric(order, (weights) => {
    let [above, below, area] = [0, 0, 0];
    let [tiedWanted, tiedOther] = [0, 0];
    const closeGroup = (): void => {
      area += tiedOther * (above + tiedWanted / 2);
      above += tiedWanted;
      below += tiedOther;
      [tiedWanted, tiedOther] = [0, 0];
    };
    for (let rank = 0; rank < order.length; rank += 1) {
      if (begins[rank] === 1) closeGroup();
      const weight = weights[rank] ?? 0;
      if (wanted[rank] === 1) tiedWanted += weight;
      else tiedOther += weight;
    }
    closeGroup();
    return above === 0 || below === 0 ? Number.NaN : area / (above * below);
  });
}

/**
 * Computes the average precision: the precision at each threshold, weighted by the increase in recall, without
 * interpolation. Equal to scikit-learn's `average_precision_score`; NaN if no row is wanted.
 */
export function averagePrecision(score: ArrayLike<number>, isWanted: (row: number) => boolean): RankedMetric {
  const { order, wanted, begins } = ranked(score, isWanted);
  return rankedMetric(order, (weights) => {
    let [hits, rows, sum, tied] = [0, 0, 0, 0];
    const closeGroup = (): void => {
      hits += tied;
      if (tied > 0) sum += tied * (hits / rows);
      tied = 0;
    };
    for (let rank = 0; rank < order.length; rank += 1) {
      if (begins[rank] === 1) closeGroup();
      const weight = weights[rank] ?? 0;
      rows += weight;
      if (wanted[rank] === 1) tied += weight;
    }
    closeGroup();
    return hits === 0 ? Number.NaN : sum / hits;
  });
}

/** Makes a metric of rows from one that is given their weights by rank. */
function rankedMetric(order: Int32Array, ofRanked: (weights: Weights) => number): RankedMetric {
  const ofRows = (weights: Weights): number => ofRanked(byRow(order.length, (rank) => weights[order[rank] ?? 0] ?? 0));
  return Object.assign(ofRows, { order, ofRanked });
}

interface Ranked {
  readonly order: Int32Array;
  /** 1 at each rank whose row is wanted. */
  readonly wanted: Uint8Array;
  /** 1 at each rank at which a new score begins. */
  readonly begins: Uint8Array;
}

function ranked(score: ArrayLike<number>, isWanted: (row: number) => boolean): Ranked {
  const order = descending(score);
  return {
    order,
    wanted: bytesByRow(order.length, (rank) => (isWanted(order[rank] ?? 0) ? 1 : 0)),
    begins: bytesByRow(order.length, (rank) =>
      rank > 0 && score[order[rank] ?? 0] !== score[order[rank - 1] ?? 0] ? 1 : 0,
    ),
  };
}

export function everyRow(rows: number): Weights {
  return new Uint8Array(rows).fill(1);
}
