/** The index of the class at each place; the given order is `[0, 1, …]`. */
export type ClassOrder = readonly number[];

/** For each row, the indices of the predicted place and of the true class; -1 if unknown. */
export interface PlacedRows {
  readonly places: Int32Array;
  readonly truth: Int32Array;
  readonly classes: number;
}

/**
 * One-sided 99 % quantile of the normal distribution: 1 % of the models that have learnt nothing would seem to fit
 * another order.
 */
const clear = 2.326;

/** Returns the confusion matrix of places and true classes: `classes` counts for each place. */
export function tableOf({ places, truth, classes }: PlacedRows): Int32Array {
  const table = new Int32Array(classes * classes);
  for (const [row, place] of places.entries()) {
    const own = truth[row] ?? -1;
    if (place >= 0 && own >= 0) table[place * classes + own] = (table[place * classes + own] ?? 0) + 1;
  }
  return table;
}

/**
 * Greedily assigns each place its most frequent class, the largest counts first, and then the remaining classes in
 * order. The best assignment fits at least as well.
 */
export function likeliestOrder(table: Int32Array, classes: number): number[] {
  const cells = Array.from(table.keys()).filter((cell) => (table[cell] ?? 0) > 0);
  cells.sort((a, b) => (table[b] ?? 0) - (table[a] ?? 0) || a - b);
  const order = Array.from({ length: classes }, () => -1);
  const taken = new Set<number>();
  for (const cell of cells) {
    const [place, own] = [Math.floor(cell / classes), cell % classes];
    if (order[place] !== -1 || taken.has(own)) continue;
    order[place] = own;
    taken.add(own);
  }
  // A place that was never predicted keeps its own class if no other place took it.
  for (const [place, own] of order.entries()) if (own === -1 && !taken.has(place)) taken.add((order[place] = place));
  const left = order.map((_, own) => own).filter((own) => !taken.has(own));
  return order.map((own) => (own === -1 ? (left.shift() ?? -1) : own));
}

/** Returns the order that fits the rows clearly better than the given one, or undefined. */
export function clearlyBetterOrder(rows: PlacedRows): ClassOrder | undefined {
  // Selecting and testing an order on the same rows would bias the test, so each gets one half.
  const half = (wanted: number): PlacedRows => ({
    ...rows,
    places: rows.places.filter((_, row) => halfOf(row) === wanted),
    truth: rows.truth.filter((_, row) => halfOf(row) === wanted),
  });
  const order = likeliestOrder(tableOf(half(0)), rows.classes);
  const { places, truth } = half(1);
  const reordered = places.map((place) => order[place] ?? -1);
  return isClearlyRighter(reordered, places, truth) ? order : undefined;
}

/** Splits rows by Knuth's multiplicative hash, because the classes may alternate from row to row. */
function halfOf(row: number): number {
  return (Math.imul(row, 2_654_435_761) >>> 16) & 1;
}

/**
 * Applies McNemar's test: whether one reading is right significantly more often than the other, on the rows that only
 * one of them gets right.
 */
export function isClearlyRighter(one: Int32Array, other: Int32Array, truth: Int32Array): boolean {
  let won = 0;
  let lost = 0;
  for (const [row, own] of truth.entries()) {
    if (own < 0) continue;
    if (one[row] === own && other[row] !== own) won += 1;
    if (one[row] !== own && other[row] === own) lost += 1;
  }
  return (won - lost) / Math.sqrt(Math.max(1, won + lost)) > clear;
}

/**
 * Returns whether the probabilities of two classes are clearly swapped. Compares ranks of the second class's
 * probability, which do not depend on a threshold or on class balance.
 */
export function isClearlySwapped(probability: Float64Array, truth: Int32Array): boolean {
  const { area, deviation } = rankArea(probability, truth);
  return (0.5 - area) / deviation > clear;
}

/**
 * Returns the area under the ROC curve of class 1, and its standard deviation under independence (Mann and Whitney).
 */
export function rankArea(
  probability: Float64Array,
  truth: Int32Array,
): { readonly area: number; readonly deviation: number } {
  const rows = Array.from(probability.keys()).filter((row) => (truth[row] ?? -1) >= 0);
  rows.sort((a, b) => (probability[a] ?? 0) - (probability[b] ?? 0));
  let rankSum = 0;
  let positives = 0;
  for (let from = 0; from < rows.length;) {
    let to = from;
    while (to < rows.length && probability[rows[to] ?? 0] === probability[rows[from] ?? 0]) to += 1;
    const those = rows.slice(from, to).filter((row) => truth[row] === 1).length;
    positives += those;
    rankSum += (those * (from + 1 + to)) / 2;
    from = to;
  }
  const negatives = rows.length - positives;
  const pairs = positives * negatives;
  if (pairs === 0) return { area: 0.5, deviation: 1 };
  return {
    area: (rankSum - (positives * (positives + 1)) / 2) / pairs,
    deviation: Math.sqrt((rows.length + 1) / (12 * pairs)),
  };
}
