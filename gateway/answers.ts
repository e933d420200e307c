import { classKey } from '../contracts/classes.ts';
import type { Signature } from '../contracts/model-version.ts';
import type { PredictionRecord } from '../contracts/prediction.ts';
import type { Answers } from '../ports/model-runtime.ts';

/** The answers of the rows from `from` up to `to`. */
export function answersFrom({ rows, values, probabilities, vectors }: Answers, from: number, to: number): Answers {
  const part = (numbers: Float64Array): Float64Array => {
    const width = numbers.length / rows;
    return numbers.subarray(from * width, to * width);
  };
  return {
    rows: to - from,
    values: values instanceof Float64Array ? values.subarray(from, to) : values.slice(from, to),
    probabilities: probabilities === null ? null : part(probabilities),
    vectors: Object.fromEntries(Object.entries(vectors).map(([name, numbers]) => [name, part(numbers)])),
  };
}

/** One row's answer, as it is written down. */
export function answerOf(
  { rows, values, probabilities }: Answers,
  row: number,
): Pick<PredictionRecord, 'prediction' | 'probabilities'> {
  const prediction = values[row] ?? Number.NaN;
  if (probabilities === null) return { prediction };
  const width = probabilities.length / rows;
  return { prediction, probabilities: [...probabilities.subarray(row * width, (row + 1) * width)] };
}

/** How far two answers to one row are apart: for labels 1 where they are not the same. */
export function distanceOf(one: PredictionRecord['prediction'], other: PredictionRecord['prediction']): number {
  if (typeof one === 'number' && typeof other === 'number') return Math.abs(one - other);
  return classKey(one) === classKey(other) ? 0 : 1;
}

interface OutputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly (string | number | boolean)[];
  readonly parameters?: { readonly classes: readonly (string | number | boolean)[] };
}

/** The outputs as metadata tells them: of a classifier its labels and its probabilities, and vectors besides. */
export function outputsIn(signature: Signature): { name: string; datatype: string; shape: number[] }[] {
  const { output, probabilities, vectors = [] } = signature;
  const wide = [...(probabilities ? [probabilities] : []), ...vectors];
  return [
    { name: output.name, datatype: output.type, shape: [-1] },
    ...wide.map(({ name, type, width }) => ({ name, datatype: type, shape: [-1, width] })),
  ];
}

/** The tensors of an answer, those that were asked for, or all. */
export function outputTensors(
  { rows, values, probabilities, vectors }: Answers,
  signature: Signature,
  asked: readonly string[] | undefined,
): OutputTensor[] {
  const labelled = signature.output.type === 'BOOL' ? Array.from(values, Boolean) : Array.from(values);
  const tensors: OutputTensor[] = [
    { name: signature.output.name, shape: [rows], datatype: signature.output.type, data: labelled },
  ];
  if (signature.probabilities && probabilities !== null) {
    const { name, type, width } = signature.probabilities;
    const parameters = { classes: signature.classes ?? [] };
    tensors.push({ name, shape: [rows, width], datatype: type, data: [...probabilities], parameters });
  }
  for (const { name, type, width } of signature.vectors ?? [])
    tensors.push({ name, shape: [rows, width], datatype: type, data: [...(vectors[name] ?? [])] });
  return asked === undefined ? tensors : tensors.filter(({ name }) => asked.includes(name));
}

/** Row by row, as MLflow's answers nest them. */
export function rowsOf(numbers: Float64Array, rows: number): number[][] {
  const width = numbers.length / rows;
  return Array.from({ length: rows }, (_, row) => [...numbers.subarray(row * width, (row + 1) * width)]);
}
