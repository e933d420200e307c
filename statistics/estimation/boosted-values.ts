import type { BoostedTrees } from './boosted-trees.ts';

/**
 * Returns the values that the trees predict for rows. A tree is applied to all rows before the next one.
 *
 * @param columns one list per feature; a column that is absent counts as missing.
 */
export function boostedValues(
  { start, trees }: BoostedTrees,
  columns: readonly ArrayLike<number>[],
  rows: number,
): Float64Array {
  const values = new Float64Array(rows).fill(start);
  for (const tree of trees) {
    const feature = Int32Array.from(tree.feature);
    const threshold = Float64Array.from(tree.threshold);
    const [left, right] = [Int32Array.from(tree.left), Int32Array.from(tree.right)];
    const leaf = Float64Array.from(tree.value);
    for (let row = 0; row < rows; row += 1) {
      let node = 0;
      for (let of = feature[0] ?? -1; of >= 0; of = feature[node] ?? -1)
        node = ((columns[of]?.[row] ?? Number.NaN) > (threshold[node] ?? 0) ? right[node] : left[node]) ?? 0;
      values[row] = (values[row] ?? 0) + (leaf[node] ?? 0);
    }
  }
  return values;
}
