import { ascending } from '../metrics/row-order.ts';

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
  const points = meansByX(x, y);
  const blocks: Block[] = [];
  for (let at = 0; at < points.x.length; at += 1) {
    const weight = points.weight[at] ?? 0;
    let block: Block = { from: at, to: at, weight, mean: (points.sum[at] ?? 0) / weight };
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
  return { x: ends.map(([at]) => points.x[at] ?? 0), y: ends.map(([, mean]) => mean) };
}

/** Returns the distinct x in ascending order, with the sum and the number of their y. */
function meansByX(x: ArrayLike<number>, y: ArrayLike<number>) {
  const points = {
    x: new Float64Array(x.length),
    sum: new Float64Array(x.length),
    weight: new Float64Array(x.length),
  };
  let last = -1;
  for (const at of ascending(x)) {
    const here = x[at] ?? 0;
    if (last < 0 || points.x[last] !== here) points.x[(last += 1)] = here;
    points.sum[last] = (points.sum[last] ?? 0) + (y[at] ?? 0);
    points.weight[last] = (points.weight[last] ?? 0) + 1;
  }
  return {
    x: points.x.subarray(0, last + 1),
    sum: points.sum.subarray(0, last + 1),
    weight: points.weight.subarray(0, last + 1),
  };
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
