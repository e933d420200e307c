/** A non-decreasing curve through points, linear between them and constant beyond both ends. */
export interface RisingCurve {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

interface Block {
  readonly from: number;
  to: number;
  weight: number;
  mean: number;
}

/**
 * Fits the non-decreasing step function that is nearest to the points by least squares, by pooling adjacent violators.
 * Points with the same x are replaced by their mean. As scikit-learn's `IsotonicRegression(out_of_bounds="clip")`.
 *
 * Source: Barlow et al., "Statistical Inference under Order Restrictions" (1972).
 *
 * @throws RangeError if there is no point.
 */
export function isotonicRegression(x: ArrayLike<number>, y: ArrayLike<number>): RisingCurve {
  if (x.length === 0) throw new RangeError('isotonic regression needs at least one point');
  const order = Array.from({ length: x.length }, (_, at) => at).toSorted((a, b) => (x[a] ?? 0) - (x[b] ?? 0));
  const points: { x: number; sum: number; weight: number }[] = [];
  for (const at of order) {
    const last = points.at(-1);
    const [here, value] = [x[at] ?? 0, y[at] ?? 0];
    if (last?.x === here) [last.sum, last.weight] = [last.sum + value, last.weight + 1];
    else points.push({ x: here, sum: value, weight: 1 });
  }
  const blocks: Block[] = [];
  for (const [at, { sum, weight }] of points.entries()) {
    let block: Block = { from: at, to: at, weight, mean: sum / weight };
    for (let before = blocks.at(-1); before !== undefined && before.mean >= block.mean; before = blocks.at(-1)) {
      const joined = before.weight + block.weight;
      const mean = (before.mean * before.weight + block.mean * block.weight) / joined;
      block = { from: before.from, to: block.to, weight: joined, mean };
      blocks.pop();
    }
    blocks.push(block);
  }
  // A step is constant, so its two ends are enough.
  const ends = blocks.flatMap(
    ({ from, to, mean }) =>
      (from === to
        ? [[from, mean]]
        : [
            [from, mean],
            [to, mean],
          ]) as [number, number][],
  );
  return { x: ends.map(([at]) => points[at]?.x ?? 0), y: ends.map(([, mean]) => mean) };
}

/** Returns the curve's value at a point. */
export function heightAt({ x, y }: RisingCurve, at: number): number {
  let [low, high] = [0, x.length - 1];
  if (!(at > (x[low] ?? 0))) return y[low] ?? 0;
  if (at >= (x[high] ?? 0)) return y[high] ?? 0;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((x[middle] ?? 0) <= at) low = middle;
    else high = middle;
  }
  const [x0, x1, y0, y1] = [x[low] ?? 0, x[high] ?? 0, y[low] ?? 0, y[high] ?? 0];
  return y0 + ((y1 - y0) * (at - x0)) / (x1 - x0);
}
