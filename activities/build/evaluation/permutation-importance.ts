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
  /** The model's answers to columns of the rows that are named, beside their truth; null: it has none for them. */
  readonly answer: (columns: Columns, rows: readonly number[]) => Promise<Sample | null>;
  readonly bounds?: ImportanceBounds;
}

export interface ImportanceBounds {
  readonly rows: number;
  readonly repeats: number;
  readonly timeMs: number;
}

/** Rows decide the cost of a call, so a model of many features is still done in seconds. */
export const importanceBounds: ImportanceBounds = { rows: 1000, repeats: 5, timeMs: 20_000 };

/**
 * By how much the metric gets worse when one feature's values are shuffled over the rows (Breiman, 2001; as scikit-learn's
 * `permutation_importance`): mean and standard deviation (of the population) over the repeats. The same seed gives the
 * same numbers; a feature that was not finished in time has none, and is named.
 */
export async function permutationImportance(request: ImportanceRequest): Promise<PermutationImportance> {
  const { features, columns, metric, seed, answer } = request;
  const bounds = request.bounds ?? importanceBounds;
  const endAt = performance.now() + bounds.timeMs;
  const rows = sampleRows(request.rows, bounds.rows, seed);
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
      // By feature and repeat, not by what came before: a feature that is left changes no other's number.
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
    reason: left.length === 0 ? '' : `not finished within ${bounds.timeMs / 1000} s, or without a value`,
  };
}

/** All, or as many as the bound, without repetition and in their order. */
function sampleRows(rows: number, bound: number, seed: number): number[] {
  const all = Array.from({ length: rows }, (_, row) => row);
  if (rows <= bound) return all;
  return shuffle(all, seed)
    .slice(0, bound)
    .toSorted((a, b) => a - b);
}

/** Fisher and Yates */
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
