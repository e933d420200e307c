import type { ValueCounts } from './value-counts.ts';
import { rowsCounted } from './value-counts.ts';

/** Number of values at each end that are kept as they are, because the outermost values may lie far apart. */
const outermost = 32;

/**
 * Joins neighbouring values until at most about `most` are left. A group is replaced by its mean and has at most one in
 * `most` of the rows, unless it is a single value. The distribution function therefore changes by at most 1 / `most` at
 * any point. A sample with at most `most` distinct values is returned as it is.
 */
export function condensedValues(sample: ValueCounts, most: number): ValueCounts {
  const { values, counts } = sample;
  if (values.length <= most) return sample;
  const rowsAtMost = rowsCounted(sample) / most;
  const condensed = { values: [] as number[], counts: [] as number[] };
  let [mean, rows] = [0, 0];
  const close = (): void => {
    if (rows === 0) return;
    condensed.values.push(mean);
    condensed.counts.push(rows);
    [mean, rows] = [0, 0];
  };
  for (let at = 0; at < values.length; at += 1) {
    const [value, count] = [values[at] ?? 0, counts[at] ?? 0];
    const alone = at < outermost || at >= values.length - outermost;
    if (alone || rows + count > rowsAtMost) close();
    rows += count;
    mean = rows === count ? value : mean + (value - mean) * (count / rows);
    if (alone) close();
  }
  close();
  return condensed;
}
