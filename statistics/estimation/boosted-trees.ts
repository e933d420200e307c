/**
 * A regression tree as lists with one entry per node. A row goes to `left` if its feature is at most `threshold`,
 * otherwise to `right`. A leaf has feature −1.
 */
export interface RegressionTree {
  readonly feature: readonly number[];
  readonly threshold: readonly number[];
  readonly left: readonly number[];
  readonly right: readonly number[];
  readonly value: readonly number[];
}

export interface BoostedTrees {
  readonly start: number;
  readonly trees: readonly RegressionTree[];
}

export const boostingLimits = { rounds: 60, rate: 0.1, depth: 3, leafRows: 20, bins: 32 } as const;

/**
 * Fits small trees over binned columns by least-squares gradient boosting. The result is deterministic: the same rows
 * give the same trees. Missing values (NaN) go left.
 *
 * Source: Friedman, "Greedy function approximation: a gradient boosting machine" (2001).
 *
 * @param columns one list per feature.
 * @throws RangeError if there are no rows.
 */
export function fitBoostedTrees(columns: readonly ArrayLike<number>[], target: ArrayLike<number>): BoostedTrees {
  const rows = target.length;
  if (rows === 0) throw new RangeError('boosted trees need at least one row');
  const binned = columns.map((column) => binsOf(column));
  const start = Array.from(target).reduce((sum, value) => sum + value, 0) / rows;
  const residual = Float64Array.from(target, (value) => value - start);
  const trees: RegressionTree[] = [];
  for (let round = 0; round < boostingLimits.rounds; round += 1) {
    const tree = growTree(binned, residual);
    trees.push(tree);
    for (let row = 0; row < rows; row += 1)
      residual[row] = (residual[row] ?? 0) - leafValue(tree, (feature) => columns[feature]?.[row] ?? Number.NaN);
  }
  return { start, trees };
}

function leafValue(tree: RegressionTree, valueOf: (feature: number) => number): number {
  let node = 0;
  for (;;) {
    const feature = tree.feature[node] ?? -1;
    if (feature < 0) return tree.value[node] ?? 0;
    const next = valueOf(feature) > (tree.threshold[node] ?? 0) ? tree.right[node] : tree.left[node];
    node = next ?? 0;
  }
}

interface BinnedColumn {
  /** Upper bounds of all bins but the last. */
  readonly bounds: readonly number[];
  readonly bins: Uint8Array;
}

function binsOf(column: ArrayLike<number>): BinnedColumn {
  const sorted = Float64Array.from(Array.from(column).filter(Number.isFinite)).sort();
  const cuts = Array.from({ length: boostingLimits.bins - 1 }, (_, at) => {
    const place = Math.floor(((at + 1) / boostingLimits.bins) * sorted.length);
    return sorted[place] ?? Number.NaN;
  });
  const greatest = sorted.at(-1) ?? 0;
  const bounds = [...new Set(cuts)].filter((bound) => Number.isFinite(bound) && bound < greatest);
  const bins = Uint8Array.from(column, (value) => {
    const bin = bounds.findIndex((bound) => value <= bound);
    return Number.isNaN(value) ? 0 : bin === -1 ? bounds.length : bin;
  });
  return { bounds, bins };
}

interface Split {
  readonly feature: number;
  readonly bin: number;
  readonly gain: number;
}

function growTree(columns: readonly BinnedColumn[], residual: Float64Array): RegressionTree {
  const tree = {
    feature: [] as number[],
    threshold: [] as number[],
    left: [] as number[],
    right: [] as number[],
    value: [] as number[],
  };
  const grow = (rows: Int32Array, depth: number): number => {
    const node = tree.feature.length;
    const mean = rows.reduce((sum, row) => sum + (residual[row] ?? 0), 0) / rows.length;
    for (const list of [tree.threshold, tree.left, tree.right]) list.push(0);
    tree.feature.push(-1);
    tree.value.push(mean * boostingLimits.rate);
    const split = depth === 0 ? null : bestSplit(columns, residual, rows);
    const column = split === null ? undefined : columns[split.feature];
    if (split === null || column === undefined) return node;
    const goesLeft = (row: number): boolean => (column.bins[row] ?? 0) <= split.bin;
    tree.feature[node] = split.feature;
    tree.threshold[node] = column.bounds[split.bin] ?? 0;
    tree.left[node] = grow(rows.filter(goesLeft), depth - 1);
    tree.right[node] = grow(
      rows.filter((row) => !goesLeft(row)),
      depth - 1,
    );
    return node;
  };
  grow(
    Int32Array.from(residual, (_, row) => row),
    boostingLimits.depth,
  );
  return tree;
}

function bestSplit(columns: readonly BinnedColumn[], residual: Float64Array, rows: Int32Array): Split | null {
  const total = rows.reduce((sum, row) => sum + (residual[row] ?? 0), 0);
  let best: Split | null = null;
  for (const [feature, { bounds, bins }] of columns.entries()) {
    const sums = new Float64Array(bounds.length + 1);
    const counts = new Int32Array(bounds.length + 1);
    for (const row of rows) {
      const bin = bins[row] ?? 0;
      sums[bin] = (sums[bin] ?? 0) + (residual[row] ?? 0);
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    let [left, n] = [0, 0];
    for (let bin = 0; bin < bounds.length; bin += 1) {
      left += sums[bin] ?? 0;
      n += counts[bin] ?? 0;
      if (n < boostingLimits.leafRows || rows.length - n < boostingLimits.leafRows) continue;
      const gain = left ** 2 / n + (total - left) ** 2 / (rows.length - n) - total ** 2 / rows.length;
      if (gain > 1e-9 && (best === null || gain > best.gain)) best = { feature, bin, gain };
    }
  }
  return best;
}
