import type { Cell } from '../../../contracts/data/data-types.ts';
import type { PermutationImportance } from '../../../contracts/models/importance.ts';
import type { MetricName } from '../../../contracts/models/metrics.ts';
import { isBetterWhenSmall } from '../../../contracts/models/metrics.ts';
import { measure } from '../../../statistics/metrics/measure.ts';
import type { Sample } from '../../../statistics/metrics/sample.ts';
import { seededRandom } from '../../../statistics/probability/seeded-random.ts';

type Columns = Readonly<Record<string, readonly Cell[]>>;

export interface ImportanceRequest {
  readonly features: readonly string[];
  readonly columns: Columns;
  readonly rows: number;
  readonly metric: MetricName;
  readonly seed: number;
  /**
   * Returns the model's answers to the given rows of `columns` together with their truth, or null if the model has no
   * answer to some of them.
   */
  readonly answer: (columns: Columns, rows: readonly number[]) => Promise<Sample | null>;
  readonly bounds?: ImportanceBounds;
}

export interface ImportanceBounds {
  readonly rows: number;
  readonly repeats: number;
  readonly timeMs: number;
}

/** The number of rows determines the cost of a call, so this bound keeps a model with many features within seconds. */
export const importanceBounds: ImportanceBounds = { rows: 1000, repeats: 5, timeMs: 20_000 };

/**
 * Returns by how much the metric gets worse when one feature's values are shuffled over the rows (Breiman, 2001; as
 * scikit-learn's `permutation_importance`): mean and population standard deviation over the repeats. The same seed
 * gives the same numbers. Features that were not finished within the time limit are listed by name and get no number.
 */
export async function permutationImportance(request: ImportanceRequest): Promise<PermutationImportance> {
  const { features, columns, metric, seed, answer } = request;
  const bounds = request.bounds ?? importanceBounds;
  const endAt = performance.now() + bounds.timeMs;
  const rows = sampledRows(request.rows, bounds.rows, seed);
  const sampled = Object.fromEntries(
    Object.entries(columns).map(([name, cells]) => [name, rows.map((row) => cells[row] ?? null)]),
  );
  const valueOf = async (asked: Columns): Promise<number> => {
    const sample = await answer(asked, rows);
    return sample === null ? Number.NaN : measure(sample, metric);
  };
  const baseline = await valueOf(sampled);
  const told = { schemaVersion: 1, metric, rows: rows.length, repeats: bounds.repeats, seed } as const;
  if (!Number.isFinite(baseline))
    return {
      ...told,
      baseline: null,
      features: [],
      left: [...features],
      reason: `${metric} is not defined on these rows`,
    };
  const worse = isBetterWhenSmall(metric) ? 1 : -1;
  const found: PermutationImportance['features'] = [];
  for (const [at, name] of features.entries()) {
    const losses: number[] = [];
    for (let repeat = 0; repeat < bounds.repeats && performance.now() < endAt; repeat += 1) {
      // The seed depends only on the feature and the repeat, so skipping a feature does not change the numbers of the
      // others.
      const shuffled = shuffle(sampled[name] ?? [], seed * 1009 + at * bounds.repeats + repeat);
      const value = await valueOf({ ...sampled, [name]: shuffled });
      if (Number.isFinite(value)) losses.push(worse * (value - baseline));
    }
    if (losses.length < bounds.repeats) continue;
    found.push({ name, ...spreadOf(losses) });
  }
  const done = new Set(found.map(({ name }) => name));
  const left = features.filter((name) => !done.has(name));
  return {
    ...told,
    baseline,
    features: found.toSorted((a, b) => b.mean - a.mean || (a.name < b.name ? -1 : 1)),
    left,
    reason:
      left.length === 0
        ? ''
        : `these features were not measured within ${bounds.timeMs / 1000} s, or ${metric} was not defined for them`,
  };
}

/** Returns all row numbers, or a random sample of `bound` of them without replacement, in ascending order. */
export function sampledRows(rows: number, bound: number, seed: number): number[] {
  const all = Array.from({ length: rows }, (_, row) => row);
  if (rows <= bound) return all;
  return shuffle(all, seed)
    .slice(0, bound)
    .toSorted((a, b) => a - b);
}

/** Fisher–Yates shuffle. */
function shuffle<Value>(values: readonly Value[], seed: number): Value[] {
  const random = seededRandom(seed);
  const shuffled = [...values];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = random(last + 1);
    const [a, b] = [shuffled[last], shuffled[other]];
    if (a !== undefined && b !== undefined) [shuffled[last], shuffled[other]] = [b, a];
  }
  return shuffled;
}

function spreadOf(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}
