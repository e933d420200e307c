import { PerennialError } from '../../../contracts/errors.ts';
import type { OnnxSignature } from '../../../contracts/model-format.ts';
import type { Answers } from '../../../ports/model-format.ts';
import type { FeatureColumns } from './tensors.ts';

type Run = (features: FeatureColumns, rows: number) => Promise<Answers>;

/** Most runs of the model for one request. Each row that fails costs about log2(rows) runs. */
const mostRuns = 100;

/** Runs all rows at once. If the model fails, bisects the rows until the ones that make it fail are known. */
export async function answerEach(
  run: Run,
  signature: OnnxSignature,
  features: FeatureColumns,
  rows: number,
): Promise<Answers> {
  let runs = 0;
  const part = async (from: number, to: number): Promise<Answers> => {
    runs += 1;
    try {
      return await run(cut(features, from, to), to - from);
    } catch (caught) {
      if (!(caught instanceof PerennialError) || caught.code !== 'prediction-invalid' || rows === 1) throw caught;
      if (to - from === 1 || runs >= mostRuns) return unanswered(signature, to - from, caught.message);
      const middle = from + Math.ceil((to - from) / 2);
      return joined(await part(from, middle), await part(middle, to));
    }
  };
  return part(0, rows);
}

function cut(features: FeatureColumns, from: number, to: number): FeatureColumns {
  return Object.fromEntries(Object.entries(features).map(([name, cells]) => [name, cells.slice(from, to)]));
}

function unanswered({ classes, probabilities, vectors = [] }: OnnxSignature, rows: number, reason: string): Answers {
  const nothing = (width: number): Float64Array => new Float64Array(rows * width).fill(Number.NaN);
  return {
    rows,
    values: classes === undefined ? nothing(1) : Array.from({ length: rows }, () => ''),
    probabilities: classes === undefined || probabilities === undefined ? null : nothing(probabilities.width),
    vectors: Object.fromEntries(vectors.map(({ name, width }) => [name, nothing(width)])),
    failures: Array.from({ length: rows }, (_, row) => ({ row, reason })),
  };
}

function joined(one: Answers, other: Answers): Answers {
  const numbers = (a: Float64Array, b: Float64Array): Float64Array => {
    const both = new Float64Array(a.length + b.length);
    both.set(a);
    both.set(b, a.length);
    return both;
  };
  return {
    rows: one.rows + other.rows,
    values:
      one.values instanceof Float64Array && other.values instanceof Float64Array
        ? numbers(one.values, other.values)
        : [...one.values, ...other.values],
    probabilities:
      one.probabilities === null || other.probabilities === null
        ? null
        : numbers(one.probabilities, other.probabilities),
    vectors: Object.fromEntries(
      Object.entries(one.vectors).map(([name, own]) => [name, numbers(own, other.vectors[name] ?? new Float64Array())]),
    ),
    failures: [...one.failures, ...other.failures.map(({ row, reason }) => ({ row: row + one.rows, reason }))],
  };
}
