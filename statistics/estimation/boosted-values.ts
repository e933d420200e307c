import type { BoostedTrees, RegressionTree } from './boosted-trees.ts';

/** The features of this many rows fit into a processor's cache. */
const rowsAtOnce = 2_048;

/**
 * Returns the values that the trees predict for rows. All trees are applied to some rows before the next ones.
 *
 * @param columns one list per feature; a column that is absent counts as missing.
 */
export function boostedValues(
  { start, trees }: BoostedTrees,
  columns: readonly ArrayLike<number>[],
  rows: number,
): Float64Array {
  const values = new Float64Array(rows).fill(start);
  const used = [...new Set(trees.flatMap(({ feature }) => feature.filter((of) => of >= 0)))];
  const full = trees.map((tree) => fullTree(tree, used));
  const cells = new Float64Array(Math.max(1, used.length) * rowsAtOnce);
  for (let first = 0; first < rows; first += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows - first);
    for (const [place, of] of used.entries())
      copyRows(columns[of] ?? [], { first, count }, cells.subarray(place * rowsAtOnce));
    for (const tree of full) addTree(tree, cells, values.subarray(first, first + count));
  }
  return values;
}

/**
 * A tree in which every path has the same length. The nodes of a level follow those of the level above: node `n` has the
 * children `2n + 1` (left) and `2n + 2` (right), so that the next node is computed and not chosen by a branch, which a
 * processor would often predict wrongly.
 */
interface FullTree {
  readonly depth: number;
  /** Where the cells of each node's feature begin. */
  readonly place: Int32Array;
  readonly threshold: Float64Array;
  readonly leaf: Float64Array;
}

function fullTree(tree: RegressionTree, used: readonly number[]): FullTree {
  const depth = depthOf(tree, 0);
  const inner = 2 ** depth - 1;
  const full = {
    depth,
    place: new Int32Array(inner),
    threshold: new Float64Array(inner).fill(Infinity),
    leaf: new Float64Array(inner + 1),
  };
  fill(full, tree, used, { at: 0, node: 0 });
  return full;
}

function depthOf(tree: RegressionTree, node: number): number {
  if ((tree.feature[node] ?? -1) < 0) return 0;
  return 1 + Math.max(depthOf(tree, tree.left[node] ?? 0), depthOf(tree, tree.right[node] ?? 0));
}

/** A leaf above the last level becomes a node that is left and right the same. */
function fill(
  full: FullTree,
  tree: RegressionTree,
  used: readonly number[],
  { at, node }: { readonly at: number; readonly node: number },
): void {
  const inner = full.place.length;
  if (at >= inner) {
    full.leaf[at - inner] = tree.value[node] ?? 0;
    return;
  }
  const feature = tree.feature[node] ?? -1;
  if (feature >= 0) {
    full.place[at] = used.indexOf(feature) * rowsAtOnce;
    full.threshold[at] = tree.threshold[node] ?? 0;
  }
  fill(full, tree, used, { at: 2 * at + 1, node: feature < 0 ? node : (tree.left[node] ?? 0) });
  fill(full, tree, used, { at: 2 * at + 2, node: feature < 0 ? node : (tree.right[node] ?? 0) });
}

function copyRows(
  column: ArrayLike<number>,
  { first, count }: { readonly first: number; readonly count: number },
  cells: Float64Array,
): void {
  if (column instanceof Float64Array && column.length >= first + count)
    cells.set(column.subarray(first, first + count));
  else for (let row = 0; row < count; row += 1) cells[row] = column[first + row] ?? Number.NaN;
}

/** Adds a tree's values. A missing feature (NaN) goes left. */
function addTree({ depth, place, threshold, leaf }: FullTree, cells: Float64Array, values: Float64Array): void {
  const inner = place.length;
  for (let row = 0; row < values.length; row += 1) {
    let node = 0;
    for (let level = 0; level < depth; level += 1) {
      const isAbove = (cells[(place[node] ?? 0) + row] ?? 0) > (threshold[node] ?? 0);
      node = 2 * node + 1 + (Number(isAbove) | 0);
    }
    values[row] = (values[row] ?? 0) + (leaf[node - inner] ?? 0);
  }
}
