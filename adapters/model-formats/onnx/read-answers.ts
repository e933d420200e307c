import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { classKey } from '../../../contracts/models/classes.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { OnnxSignature } from '../../../contracts/model-format.ts';
import type { ClassValue } from '../../../contracts/models/signature.ts';
import type { Answers, RowFailure } from '../../../ports/model-format.ts';
import type { PlaceOf } from './classes/match-classes.ts';
import { placesByNumber, placesByValue } from './classes/match-classes.ts';
import type { OddNumber } from './tensors.ts';
import { anyNumbersOf, notFinite, notFiniteIn } from './tensors.ts';

/** Returns the names of the outputs that the graph computes for this signature. */
export function outputNames({ output, probabilities, vectors = [] }: OnnxSignature): string[] {
  const own = output.from === undefined ? [output.name] : [];
  return [...own, ...(probabilities ? [probabilities.name] : []), ...vectors.map(({ name }) => name)];
}

export function noAnswers(signature: OnnxSignature): Answers {
  return {
    rows: 0,
    values: signature.classes === undefined ? new Float64Array() : [],
    probabilities: signature.probabilities === undefined ? null : new Float64Array(),
    vectors: Object.fromEntries((signature.vectors ?? []).map(({ name }) => [name, new Float64Array()])),
    failures: [],
  };
}

/**
 * Reads the graph's outputs by the signature. Throws `prediction-invalid` if an output does not have one entry per row.
 */
export function answersOf(outputs: InferenceSession.OnnxValueMapType, signature: OnnxSignature, rows: number): Answers {
  const { output, probabilities, classes, vectors = [] } = signature;
  const shares = probabilities ? anyNumbersOf(outputs[probabilities.name], probabilities, rows) : null;
  const values = valuesOf(outputs[output.name], signature, shares, rows);
  return {
    rows,
    values,
    probabilities: classes === undefined ? null : shares,
    vectors: Object.fromEntries(
      vectors.map((vector) => [vector.name, anyNumbersOf(outputs[vector.name], vector, rows)]),
    ),
    failures: oncePerRow([
      ...failuresIn(values, shares, probabilities?.width ?? 1),
      ...unreadLabels(values, signature),
    ]),
  };
}

/** A row may fail in several ways; only the first reason is reported. */
function oncePerRow(failures: readonly RowFailure[]): RowFailure[] {
  const byRow = new Map(failures.toReversed().map((failure) => [failure.row, failure]));
  return [...byRow.values()].toSorted((a, b) => a.row - b.row);
}

/** Reports labels that are not among the classes. */
function unreadLabels(values: Answers['values'], { output, classes = [] }: OnnxSignature): RowFailure[] {
  if (output.labels === undefined || values instanceof Float64Array) return [];
  const known = new Set(classes.map(classKey));
  return values.flatMap((value, row) =>
    known.has(classKey(value))
      ? []
      : [{ row, reason: `the model answers with the label ${JSON.stringify(value)}, which is not one of its classes` }],
  );
}

function failuresIn(values: Answers['values'], shares: Float64Array | null, width: number): RowFailure[] {
  const odd = [
    ...(values instanceof Float64Array ? notFiniteIn(values, 1) : []),
    ...(shares === null ? [] : notFiniteIn(shares, width)),
    ...(values instanceof Float64Array ? [] : labelsWithoutNumber(values)),
  ];
  return odd.map(({ row, value }) => ({
    row,
    reason: `the model answers with ${value}, which is not a finite number`,
  }));
}

function labelsWithoutNumber(values: readonly ClassValue[]): OddNumber[] {
  return values.flatMap((value, row) => (typeof value === 'number' && !Number.isFinite(value) ? [{ row, value }] : []));
}

/** Returns the answers unchanged, or throws `prediction-invalid` if a number in them is not finite. */
export function mustBeFinite(answers: Answers, { output, probabilities, vectors = [] }: OnnxSignature): Answers {
  const { values, probabilities: shares } = answers;
  const numbers = [
    ...(values instanceof Float64Array ? [{ name: output.name, width: 1, of: values }] : []),
    ...(shares === null || probabilities === undefined ? [] : [{ ...probabilities, of: shares }]),
    ...vectors.map((vector) => ({ ...vector, of: answers.vectors[vector.name] ?? new Float64Array() })),
  ];
  for (const { name, width, of } of numbers) {
    const [odd] = notFiniteIn(of, width);
    if (odd !== undefined) throw notFinite(name, odd);
  }
  return answers;
}

function valuesOf(
  tensor: Tensor | undefined,
  { output, classes, probabilities }: OnnxSignature,
  shares: Float64Array | null,
  rows: number,
): Answers['values'] {
  if (classes === undefined) return anyNumbersOf(tensor, { name: output.name, width: 1 }, rows);
  if (output.from === 'probabilities' && shares !== null && probabilities !== undefined)
    return likeliest(shares, classes, probabilities.width, rows);
  const labels = answeredLabels(tensor, output.name, rows);
  const placeOf = readerOf(output.labels, classes);
  return placeOf === undefined ? labels : labels.map((label) => classes[placeOf(label) ?? -1] ?? label);
}

/**
 * Returns how to read labels that the graph spells differently from the data, or undefined if the labels are the
 * classes themselves.
 */
function readerOf(labels: OnnxSignature['output']['labels'], classes: readonly ClassValue[]): PlaceOf | undefined {
  if (labels === undefined) return undefined;
  return labels === 'places' ? placesByNumber(classes.length) : placesByValue(classes);
}

/** Returns the class with the greatest probability in each row. Ties go to the first class, as in scikit-learn. */
function likeliest(shares: Float64Array, classes: readonly ClassValue[], width: number, rows: number): ClassValue[] {
  return Array.from({ length: rows }, (_, row) => {
    if (width === 1) return classes[(shares[row] ?? 0) > 0.5 ? 1 : 0] ?? '';
    let best = 0;
    for (let place = 1; place < width; place += 1)
      if ((shares[row * width + place] ?? 0) > (shares[row * width + best] ?? 0)) best = place;
    return classes[best] ?? '';
  });
}

/**
 * Returns one label per row, as text, number or boolean. Throws `prediction-invalid` if the output does not have one
 * value per row.
 */
export function answeredLabels(tensor: Tensor | undefined, name: string, rows: number): ClassValue[] {
  if (tensor?.size !== rows)
    throw new PerennialError(
      'prediction-invalid',
      `the model's output "${name}" has ${tensor?.size ?? 0} values for ${rows} rows; it must have one per row`,
      { output: name, rows },
    );
  const isTruth = tensor.type === 'bool';
  return Array.from({ length: rows }, (_, row): ClassValue => {
    const value: unknown = tensor.data[row];
    if (typeof value === 'string') return value;
    // Whole numbers beyond 2^53 are text in the data, too.
    if (typeof value === 'bigint' && !Number.isSafeInteger(Number(value))) return String(value);
    return isTruth ? Number(value) !== 0 : Number(value);
  });
}
