import { classKey } from '../../contracts/models/classes.ts';
import type { ClassValue, Signature } from '../../contracts/models/signature.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import type { Answers } from '../../ports/model-format.ts';

/** Returns the answers of the rows from `from` (inclusive) to `to` (exclusive). */
export function answersFrom(answers: Answers, from: number, to: number): Answers {
  const { rows, values, probabilities, vectors, failures } = answers;
  const part = (numbers: Float64Array): Float64Array => {
    const width = numbers.length / rows;
    return numbers.subarray(from * width, to * width);
  };
  return {
    rows: to - from,
    values: values instanceof Float64Array ? values.subarray(from, to) : values.slice(from, to),
    probabilities: probabilities === null ? null : part(probabilities),
    vectors: mapValues(vectors, part),
    failures: failures
      .filter(({ row }) => row >= from && row < to)
      .map(({ row, reason }) => ({ row: row - from, reason })),
  };
}

function mapValues<Value>(
  record: Readonly<Record<string, Value>>,
  change: (value: Value) => Value,
): Readonly<Record<string, Value>> {
  const entries = Object.entries(record);
  return entries.length === 0 ? record : Object.fromEntries(entries.map(([name, value]) => [name, change(value)]));
}

/**
 * Maximum width of a logged output. Wider outputs, such as embeddings, are returned but not logged, because they would
 * dominate the log.
 */
const widestLogged = 64;

/** Returns one row's answer as it is logged. */
export function answerOf(
  { rows, values, probabilities, vectors, failures }: Answers,
  row: number,
): Pick<PredictionRecord, 'prediction' | 'probabilities' | 'vectors' | 'error'> {
  const failure = failures.find((candidate) => candidate.row === row);
  if (failure !== undefined) return { prediction: null, error: failure.reason };
  const own = (numbers: Float64Array): number[] => {
    const width = numbers.length / rows;
    return [...numbers.subarray(row * width, (row + 1) * width)];
  };
  const others = Object.entries(vectors).filter(([, numbers]) => numbers.length / rows <= widestLogged);
  const finite = (number: number): number | null => (Number.isFinite(number) ? number : null);
  return {
    prediction: values[row] ?? Number.NaN,
    ...(probabilities === null ? {} : { probabilities: own(probabilities) }),
    ...(others.length === 0
      ? {}
      : { vectors: Object.fromEntries(others.map(([name, numbers]) => [name, own(numbers).map(finite)])) }),
  };
}

/**
 * Returns the distance between two predictions of one row: the absolute difference of numbers; for labels 0 if they are
 * equal and 1 otherwise.
 */
export function distanceOf(one: ClassValue, other: ClassValue): number {
  if (typeof one === 'number' && typeof other === 'number') return Math.abs(one - other);
  return classKey(one) === classKey(other) ? 0 : 1;
}

/**
 * Lists a model's outputs for its metadata: the prediction, the class probabilities of a classifier, and any further
 * vectors.
 */
export function outputsIn(signature: Signature): { name: string; datatype: string; shape: number[] }[] {
  const { output, probabilities, vectors = [] } = signature;
  const wide = [...(probabilities ? [probabilities] : []), ...vectors];
  return [
    { name: output.name, datatype: output.type, shape: [-1] },
    ...wide.map(({ name, type, width }) => ({ name, datatype: type, shape: [-1, width] })),
  ];
}

/** Reason why an answer contains null. */
export interface AnswerError {
  readonly row: number;
  readonly output: string;
  readonly reason: string;
}

/** Lists the rows without an answer, and the rows with a vector value that JSON cannot represent. */
export function errorsOf({ failures, vectors, rows }: Answers, signature: Signature): AnswerError[] {
  if (failures.length === 0 && Object.keys(vectors).length === 0) return [];
  const failed = new Set(failures.map(({ row }) => row));
  const own = failures.map(({ row, reason }) => ({ row, output: signature.output.name, reason }));
  const besides = Object.entries(vectors).flatMap(([output, numbers]) => {
    const width = numbers.length / rows;
    return Array.from({ length: rows }, (_, row) => row).flatMap((row) => {
      const odd = failed.has(row)
        ? undefined
        : numbers.subarray(row * width, (row + 1) * width).find((number) => !Number.isFinite(number));
      return odd === undefined ? [] : [{ row, output, reason: `${odd} is not a finite number` }];
    });
  });
  return [...own, ...besides];
}

/** Returns one prediction per row; null if the model has no answer. */
export function valuesOf({ values, failures }: Answers): (ClassValue | null)[] {
  const answered: (ClassValue | null)[] = Array.from<ClassValue>(values);
  for (const { row } of failures) answered[row] = null;
  return answered;
}
