import type { MulticlassSample, Weights } from './sample.ts';

/** Numbers of rows by class: rows predicted correctly, rows of the class, and rows predicted to be of the class. */
export interface ClassCounts {
  readonly hits: Float64Array;
  readonly support: Float64Array;
  readonly said: Float64Array;
}

export function countsOf(
  { classes, truth, decision }: Pick<MulticlassSample, 'classes' | 'truth' | 'decision'>,
  weights: Weights,
): ClassCounts {
  const hits = new Float64Array(classes.length);
  const support = new Float64Array(classes.length);
  const said = new Float64Array(classes.length);
  const add = (to: Float64Array, place: number, weight: number): void => {
    to[place] = (to[place] ?? 0) + weight;
  };
  for (let row = 0; row < truth.length; row += 1) {
    const weight = weights[row] ?? 0;
    const [actual, answer] = [truth[row] ?? 0, decision[row] ?? 0];
    add(support, actual, weight);
    add(said, answer, weight);
    if (actual === answer) add(hits, actual, weight);
  }
  return { hits, support, said };
}

/**
 * Returns the weighted mean F1 over the classes that occur. F1 is 2·TP / (rows of the class + rows predicted to be of
 * it).
 */
export function meanF1({ hits, support, said }: ClassCounts, importance: (support: number) => number): number {
  let [sum, total] = [0, 0];
  for (let place = 0; place < hits.length; place += 1) {
    const rows = (support[place] ?? 0) + (said[place] ?? 0);
    if (rows === 0) continue;
    const share = importance(support[place] ?? 0);
    sum += share * ((2 * (hits[place] ?? 0)) / rows);
    total += share;
  }
  return sum / total;
}
