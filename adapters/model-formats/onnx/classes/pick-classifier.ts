import type { Cell } from '../../../../contracts/data/data-types.ts';
import { PerennialError } from '../../../../contracts/errors.ts';
import type { OnnxSignature } from '../../../../contracts/model-format.ts';
import type { ClassValue, TensorType } from '../../../../contracts/models/signature.ts';
import type { WantedAnswers } from '../../../../ports/model-format.ts';
import { answeredLabels } from '../read-answers.ts';
import { adviceFor } from '../graph/converter-advice.ts';
import type { EvidenceTrial } from '../inspection/evidence-trials.ts';
import { listedClasses, placesByNumber, placesByValue } from './match-classes.ts';
import { show } from '../inspection/match-inputs.ts';
import { anyNumbersOf, notFiniteIn, numbersOf } from '../tensors.ts';
import type { ClassifierAnswers } from './tie-classes.ts';
import { tieClasses } from './tie-classes.ts';
import type { Outputs, Trial, Tried } from '../inspection/tried-outputs.ts';
import { namedOutput, triedOutputs } from '../inspection/tried-outputs.ts';

/** The outputs of a classifier, before they are tied to the classes. */
interface Roles {
  readonly label: Tried | undefined;
  readonly probabilities: Tried | undefined;
}

/** Tolerance for the bounds and the sum of probabilities: the 32-bit rounding error over many classes. */
const tolerance = 1e-3;

/** Finds the label and the probabilities among the outputs and ties them to the classes. */
export function pickClassifier(trial: Trial, wanted: WantedAnswers, evidence: readonly EvidenceTrial[]): Outputs {
  const { classes } = wanted;
  const roles = rolesIn(trial, wanted);
  const { label, probabilities } = roles;
  // Using the labels alone would silently drop probabilities that are not a tensor.
  const areLost = trial.all.some((output) => !output.isTensor);
  if (probabilities === undefined && (label === undefined || areLost)) throw noClasses(trial, classes);
  const tie = tieClasses(answersBeside(trial, roles, evidence), wanted, trial.graph);
  const shares = probabilities && { name: probabilities.name, type: probabilities.type, width: probabilities.width };
  const told = { classes: [...tie.classes], ...(shares === undefined ? {} : { probabilities: shares }) };
  return { ...told, output: labelOutput(trial, label, tie.labels, classes) };
}

function labelOutput(
  { all }: Trial,
  label: Tried | undefined,
  labels: OnnxSignature['output']['labels'],
  classes: readonly ClassValue[],
): OnnxSignature['output'] {
  if (label === undefined) {
    const name = all.some((output) => output.name === 'label') ? 'predicted_label' : 'label';
    return { name, type: typeOf(classes), from: 'probabilities' };
  }
  return labels === undefined
    ? { name: label.name, type: label.type }
    : { name: label.name, type: typeOf(classes), labels };
}

function typeOf(classes: readonly ClassValue[]): TensorType {
  if (classes.some((value) => typeof value === 'string')) return 'BYTES';
  if (classes.every((value) => typeof value === 'boolean')) return 'BOOL';
  return classes.every((value) => Number.isSafeInteger(Number(value))) ? 'INT64' : 'FP64';
}

// --- identifying the outputs

function rolesIn(trial: Trial, { classes, output }: WantedAnswers): Roles {
  const tried = triedOutputs(trial);
  const named = output === undefined ? undefined : namedOutput(trial, tried, output);
  if (named === undefined) {
    const probabilities = onlyOne(probabilitiesIn(tried, classes, trial.rows), tried, classes);
    return { probabilities, label: labelIn(others(tried, probabilities), classes) };
  }
  const [probabilities] = probabilitiesIn([named], classes, trial.rows);
  if (probabilities !== undefined) return { probabilities, label: single(labelsIn(others(tried, named), classes)) };
  if (named.width !== 1) throw noClasses(trial, classes);
  return { label: named, probabilities: single(probabilitiesIn(others(tried, named), classes, trial.rows)) };
}

function others(tried: readonly Tried[], taken: Tried | undefined): Tried[] {
  return tried.filter(({ name }) => name !== taken?.name);
}

function single(found: readonly Tried[]): Tried | undefined {
  return found.length === 1 ? found[0] : undefined;
}

/**
 * Returns the output with the probabilities, or undefined if there is none. Of several candidates it takes the only one
 * with "prob" in its name, and otherwise throws `artifact-invalid`.
 */
function onlyOne(found: readonly Tried[], tried: readonly Tried[], classes: readonly ClassValue[]): Tried | undefined {
  const named = found.filter(({ name }) => /prob/i.test(name));
  const [first] = named.length === 1 ? named : found;
  if (first === undefined || found.length === 1 || named.length === 1) return first;
  // A ZipMap of columns writes one output per class, so only the labels can be measured.
  if (first.width === 1 && labelsIn(others(tried, undefined), classes).length > 0) return undefined;
  throw new PerennialError(
    'artifact-invalid',
    `model.onnx has ${found.length} outputs that may be the probabilities (${found.map(({ name }) => name).join(', ')}); set build.output to the name of the right one`,
    { found: found.map(({ name }) => name) },
  );
}

/**
 * Returns the outputs that may be probabilities: floats from 0 to 1, with one column per class and a sum of 1 in each
 * row or, for two classes, with a single column.
 */
function probabilitiesIn(tried: readonly Tried[], classes: readonly ClassValue[], rows: number): Tried[] {
  const floats = tried.filter(({ type }) => type === 'FP32' || type === 'FP64');
  const whole = floats.filter((each) => each.width === classes.length && areShares(each, rows, true));
  if (whole.length > 0) return whole;
  return floats.filter(
    (each) => classes.length === 2 && each.width === 1 && areShares(each, rows, false) && !areLabels(each, classes),
  );
}

function areShares({ tensor, name, width }: Tried, rows: number, sumToOne: boolean): boolean {
  const values = numbersOf(tensor, { name, width }, rows);
  if (values.some((value) => value < -tolerance || value > 1 + tolerance)) return false;
  if (!sumToOne) return true;
  return Array.from({ length: rows }, (_, row) =>
    values.subarray(row * width, (row + 1) * width).reduce((sum, value) => sum + value, 0),
  ).every((sum) => Math.abs(sum - 1) <= tolerance);
}

/**
 * Returns the output with the labels. If no output has known classes, returns one that looks like labels, so that the
 * error message can report it.
 */
function labelIn(tried: readonly Tried[], classes: readonly ClassValue[]): Tried | undefined {
  const [known] = labelsIn(tried, classes);
  return known ?? tried.find((output) => output.width === 1 && looksLikeLabels(output, classes));
}

function labelsIn(tried: readonly Tried[], classes: readonly ClassValue[]): Tried[] {
  return tried.filter((output) => output.width === 1 && (output.type === 'BYTES' || areLabels(output, classes)));
}

/** A float output may hold labels if the classes are numbers and every value is one of them. */
function areLabels({ tensor, name }: Tried, classes: readonly ClassValue[]): boolean {
  const placeOf = placesByValue(classes);
  return answeredLabels(tensor, name, tensor.size).every((label) => placeOf(label) !== undefined);
}

function looksLikeLabels({ tensor, name, type }: Tried, classes: readonly ClassValue[]): boolean {
  const isWhole = type === 'BOOL' || type === 'INT64';
  if (isWhole && /label|class|predict/i.test(name)) return true;
  const labels = answeredLabels(tensor, name, tensor.size);
  // Class numbers may be counted from 0 or from 1.
  const placeOf = placesByNumber(classes.length + 1);
  return labels.every((label) => placeOf(label) !== undefined);
}

// --- reading the outputs

/** Returns the outputs' values on the trial rows and on the rows with a known class. */
function answersBeside(trial: Trial, roles: Roles, evidence: readonly EvidenceTrial[]): ClassifierAnswers {
  const unknown = Array.from({ length: trial.rows }, () => null);
  const tried = answersOf(trial, roles, unknown);
  const all = [tried, ...evidence.flatMap((each) => finiteAnswersOf(each, roles))];
  return {
    truth: all.flatMap(({ truth }) => truth),
    label: tried.label && { ...tried.label, values: all.flatMap(({ label }) => label?.values ?? []) },
    probabilities: tried.probabilities && {
      ...tried.probabilities,
      values: Float64Array.from(all.flatMap(({ probabilities }) => Array.from(probabilities?.values ?? []))),
    },
  };
}

/** Leaves out rows without a finite answer. Only the trial rows decide whether such answers are tolerated. */
function finiteAnswersOf({ trial, truth }: EvidenceTrial, { label, probabilities }: Roles): ClassifierAnswers[] {
  const { answers, rows } = trial;
  const outputs = [label, probabilities].flatMap((output) => output ?? []);
  if (outputs.some(({ name, width }) => answers[name]?.size !== rows * width)) return [];
  const odd = new Set(
    outputs
      .filter(({ type }) => type !== 'BYTES')
      .flatMap((output) => notFiniteIn(anyNumbersOf(answers[output.name], output, rows), output.width))
      .map(({ row }) => row),
  );
  const isFinite = (_: unknown, row: number): boolean => !odd.has(row);
  return [
    {
      truth: truth.filter(isFinite),
      label: label && {
        name: label.name,
        type: label.type,
        values: answeredLabels(answers[label.name], label.name, rows).filter(isFinite),
      },
      probabilities: probabilities && {
        name: probabilities.name,
        width: probabilities.width,
        values: anyNumbersOf(answers[probabilities.name], probabilities, rows).filter((_, at) =>
          isFinite(_, Math.floor(at / probabilities.width)),
        ),
      },
    },
  ];
}

function answersOf(
  { answers, rows }: Trial,
  { label, probabilities }: Roles,
  truth: readonly Cell[],
): ClassifierAnswers {
  return {
    truth,
    label: label && {
      name: label.name,
      type: label.type,
      values: answeredLabels(answers[label.name], label.name, rows),
    },
    probabilities: probabilities && {
      name: probabilities.name,
      width: probabilities.width,
      values: numbersOf(answers[probabilities.name], probabilities, rows),
    },
  };
}

function noClasses({ all, graph, candidates }: Trial, classes: readonly ClassValue[]): PerennialError {
  const found = all.map(show).join(', ') || 'none';
  const hasScores = candidates.some(({ type }) => type.startsWith('float'));
  const scores = hasScores
    ? ` Numbers that are not between 0 and 1, or do not sum to 1, are not probabilities: ${adviceFor(graph.producer, 'logits')}.`
    : '';
  const hint = all.some((output) => !output.isTensor)
    ? ` An output that is not a tensor comes from a ZipMap: ${adviceFor(graph.producer, 'zipmap')}.`
    : scores;
  return new PerennialError(
    'artifact-invalid',
    `model.onnx has no output of a classifier. Expected: labels with the shape [rows] or [rows, 1], or probabilities with the shape [rows, ${classes.length}] that sum to 1. The classes are ${listedClasses(classes)}. Found: ${found}.${hint}`,
    { found: all.map(({ name }) => name) },
  );
}
