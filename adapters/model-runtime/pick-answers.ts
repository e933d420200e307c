import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { classKey } from '../../contracts/classes.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { ClassValue, Signature, TensorType } from '../../contracts/model-version.ts';
import type { WantedAnswers } from '../../ports/model-runtime.ts';
import { labelsOf, strangeLabel } from './answers.ts';
import type { TensorMetadata } from './session.ts';
import { outputTypes, pickOutput, show } from './signature.ts';
import { numbersOf } from './tensors.ts';

type Outputs = Pick<Signature, 'output' | 'classes' | 'probabilities' | 'vectors'>;

/** An output that was tried out: what it is, and what it answered. */
interface Tried {
  readonly name: string;
  readonly type: TensorType;
  readonly width: number;
  readonly tensor: Tensor;
}

interface Trial {
  readonly all: readonly InferenceSession.ValueMetadata[];
  readonly candidates: readonly TensorMetadata[];
  readonly answers: InferenceSession.OnnxValueMapType;
  readonly rows: number;
}

/** How far probabilities may be from 0, 1 and a sum of 1: what 32 bits lose over many classes. */
const tolerance = 1e-3;

/** Which output is what, by shape, type and what it answered. `artifact-invalid`, `prediction-invalid`. */
export function pickAnswers(trial: Trial, wanted: WantedAnswers): Outputs {
  const tried = trial.candidates.flatMap((candidate) => triedOf(trial, candidate));
  const picked = wanted.task === 'regression' ? number(trial, tried) : classifier(trial, tried, wanted.classes);
  const taken = new Set([picked.output.name, picked.probabilities?.name]);
  const vectors = tried
    .filter(({ name, type }) => !taken.has(name) && type !== 'BYTES' && type !== 'BOOL')
    .map(({ name, type, width }) => ({ name, type, width }));
  return { ...picked, ...(vectors.length === 0 ? {} : { vectors }) };
}

function triedOf({ answers, rows }: Trial, { name, type }: TensorMetadata): Tried[] {
  const tensor = answers[name];
  const known = outputTypes[type];
  if (tensor === undefined || known === undefined || tensor.dims[0] !== rows || tensor.dims.length > 2) return [];
  return [{ name, type: known, width: tensor.dims[1] ?? 1, tensor }];
}

function number({ all, candidates, rows }: Trial, tried: readonly Tried[]): Outputs {
  const single = tried.filter(({ width, type }) => width === 1 && type !== 'BYTES').map(({ name }) => name);
  const answered = candidates.filter(({ name }) => single.includes(name));
  // One that is declared as a number a row and answers otherwise is told by what it answered.
  const numeric = candidates.filter(
    ({ type, shape: [, width] }) => type !== 'string' && (typeof width !== 'number' || width === 1),
  );
  const output = pickOutput(answered.length === 0 && numeric.length === 1 ? numeric : answered, all);
  numbersOf(tried.find(({ name }) => name === output.name)?.tensor, { name: output.name, width: 1 }, rows);
  return { output };
}

function classifier(trial: Trial, tried: readonly Tried[], classes: readonly ClassValue[]): Outputs {
  const probabilities = probabilitiesIn(tried, classes, trial.rows);
  const label = tried.find(
    ({ name, width, tensor }) =>
      width === 1 &&
      name !== probabilities?.name &&
      (tensor.type === 'string' || strangeLabel(labelsOf(tensor, name, trial.rows), classes) === undefined),
  );
  // Probabilities that are no tensor would be lost without a word, were the labels alone taken.
  const areLost = trial.all.some((output) => !output.isTensor);
  if (probabilities === undefined && (label === undefined || areLost)) throw noClasses(trial, classes);
  const shares = probabilities && { name: probabilities.name, type: probabilities.type, width: probabilities.width };
  const told = { classes: [...classes], ...(shares === undefined ? {} : { probabilities: shares }) };
  if (label === undefined) {
    const name = trial.all.some((output) => output.name === 'label') ? 'predicted_label' : 'label';
    return { ...told, output: { name, type: typeOf(classes), from: 'probabilities' } };
  }
  const labels = labelsOf(label.tensor, label.name, trial.rows);
  refuseStrangeLabels(label.name, labels, classes);
  if (probabilities !== undefined) refuseOtherOrder(probabilities, labels, classes);
  return { ...told, output: { name: label.name, type: label.type } };
}

/** Floats from 0 to 1 whose rows sum to 1, one a class; or, of two classes, one a row. */
function probabilitiesIn(tried: readonly Tried[], classes: readonly ClassValue[], rows: number): Tried | undefined {
  const floats = tried.filter(({ type }) => type === 'FP32' || type === 'FP64');
  const whole = floats.filter((each) => each.width === classes.length && areShares(each, rows, true));
  const single = floats.filter(
    (each) => classes.length === 2 && each.width === 1 && areShares(each, rows, false) && !areLabels(each, classes),
  );
  const found = whole.length > 0 ? whole : single;
  return found.length > 1 ? (found.find(({ name }) => /prob/i.test(name)) ?? found[0]) : found[0];
}

function areShares({ tensor, name, width }: Tried, rows: number, sumToOne: boolean): boolean {
  const values = numbersOf(tensor, { name, width }, rows);
  if (values.some((value) => value < -tolerance || value > 1 + tolerance)) return false;
  if (!sumToOne) return true;
  return Array.from({ length: rows }, (_, row) =>
    values.subarray(row * width, (row + 1) * width).reduce((sum, value) => sum + value, 0),
  ).every((sum) => Math.abs(sum - 1) <= tolerance);
}

/** A float may be a label, where the classes are numbers: then every value is one of them. */
function areLabels({ tensor, name }: Tried, classes: readonly ClassValue[]): boolean {
  return strangeLabel(labelsOf(tensor, name, tensor.size), classes) === undefined;
}

function typeOf(classes: readonly ClassValue[]): TensorType {
  if (classes.some((value) => typeof value === 'string')) return 'BYTES';
  if (classes.every((value) => typeof value === 'boolean')) return 'BOOL';
  return classes.every((value) => Number.isSafeInteger(Number(value))) ? 'INT64' : 'FP64';
}

function refuseStrangeLabels(output: string, labels: readonly ClassValue[], classes: readonly ClassValue[]): void {
  const strange = strangeLabel(labels, classes);
  if (strange === undefined) return;
  throw new PerennialError(
    'artifact-invalid',
    `model.onnx answers "${String(strange).slice(0, 60)}" in its output "${output}", which is none of the classes of the training rows: ${listed(classes)}; train on the target as the data has it`,
    { output },
  );
}

/** A model whose columns stand in another order than its classes would be measured, and served, the wrong way round. */
function refuseOtherOrder(
  { name, tensor, width }: Tried,
  labels: readonly ClassValue[],
  classes: readonly ClassValue[],
): void {
  if (width === 1) return;
  const values = numbersOf(tensor, { name, width }, labels.length);
  const keys = classes.map(classKey);
  const agreeing = labels.filter((label, row) => {
    const own = values[row * width + keys.indexOf(classKey(label))] ?? 0;
    return values.subarray(row * width, (row + 1) * width).every((value) => value <= own + tolerance);
  });
  if (agreeing.length * 2 >= labels.length) return;
  throw new PerennialError(
    'artifact-invalid',
    `the columns of model.onnx's output "${name}" do not stand in the order of the classes (${listed(classes)}): on ${labels.length - agreeing.length} of ${labels.length} rows the label is not the class of the greatest probability`,
    { output: name },
  );
}

function noClasses({ all }: Trial, classes: readonly ClassValue[]): PerennialError {
  const found = all.map(show).join(', ') || 'none';
  const hint = all.some((output) => !output.isTensor)
    ? ` An output that is not a tensor comes of a ZipMap: convert with options={"zipmap": False}.`
    : '';
  return new PerennialError(
    'artifact-invalid',
    `model.onnx has no output of a classifier: labels, [rows] or [rows, 1], or probabilities, [rows, ${classes.length}], that sum to 1. The classes are ${listed(classes)}. Found: ${found}.${hint}`,
    { found: all.map(({ name }) => name) },
  );
}

function listed(classes: readonly ClassValue[]): string {
  const shown = classes.slice(0, 10).map((value) => String(value).slice(0, 60));
  return classes.length > 10 ? `${shown.join(', ')} and ${classes.length - 10} more` : shown.join(', ');
}
