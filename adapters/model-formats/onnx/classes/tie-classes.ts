import { classKey } from '../../../../contracts/models/classes.ts';
import type { Cell } from '../../../../contracts/data/data-types.ts';
import { PerennialError } from '../../../../contracts/errors.ts';
import type { OnnxSignature } from '../../../../contracts/model-format.ts';
import type { ClassValue, TensorType } from '../../../../contracts/models/signature.ts';
import type { PlaceOf } from './match-classes.ts';
import { listedClasses, placesByNumber, placesByValue, yamlList } from './match-classes.ts';
import type { Graph } from '../graph/onnx-graph.ts';
import { classLabelsOf } from '../graph/onnx-graph.ts';
import type { ClassOrder, PlacedRows } from './order-fit.ts';
import {
  clearlyBetterOrder,
  isClearlyRighter,
  isClearlySwapped,
  likeliestOrder,
  rankArea,
  tableOf,
} from './order-fit.ts';

interface Probabilities {
  readonly name: string;
  readonly width: number;
  readonly values: Float64Array;
}

/** A classifier's answers to rows. */
export interface ClassifierAnswers {
  readonly label:
    | { readonly name: string; readonly type: TensorType; readonly values: readonly ClassValue[] }
    | undefined;
  readonly probabilities: Probabilities | undefined;
  /** Class of each row; null if it is unknown. */
  readonly truth: readonly Cell[];
}

/** The classes in the order of the probabilities, and how to read a label as one of them. */
export interface Tie {
  readonly classes: readonly ClassValue[];
  readonly labels: OnnxSignature['output']['labels'];
}

interface Wanted {
  readonly classes: readonly ClassValue[];
  readonly order?: readonly ClassValue[] | undefined;
}

interface ReadLabels {
  readonly name: string;
  readonly places: Int32Array;
  readonly labels: OnnxSignature['output']['labels'];
  readonly placeOf: PlaceOf;
}

/**
 * Ties labels and probabilities to the classes of the data by evidence: labels that equal the classes, the labels that
 * the graph itself gives its columns, and the column with the greatest probability in the rows of each label. If the
 * order comes only from `build.classes` or from the convention 0, 1, 2 …, the true classes of the rows must not fit
 * another order clearly better. Throws `artifact-invalid`, which says what to change, if nothing ties them.
 */
export function tieClasses(answers: ClassifierAnswers, wanted: Wanted, graph: Graph): Tie {
  const base = wanted.order ?? wanted.classes;
  const placeOf = placesByValue(base);
  const truth = Int32Array.from(answers.truth, (cell) => (cell === null ? -1 : (placeOf(cell) ?? -1)));
  const label = answers.label && readLabels(answers, { ...wanted, base, truth });
  const own = evidenceOf(answers, label, base, graph);
  const isOrdered = wanted.order !== undefined || isConventional(base);
  if (own !== undefined && wanted.order !== undefined) refuseContradiction(answers, label, base, own);
  const rows = placedRows(answers, label, truth, base.length);
  if (answers.probabilities !== undefined && own === undefined && !isOrdered) throw untied(answers, base, rows);
  const order = own ?? base.map((_, place) => place);
  const byOrder = label?.labels === 'places' || (answers.probabilities !== undefined && own === undefined);
  if (byOrder) refuseBetterOrder(answers, base, rows);
  return { classes: order.map((place) => base[place] ?? ''), labels: label?.labels };
}

/** Returns whether the classes are 0, 1, 2 … or false, true, which are always written in this order. */
function isConventional(classes: readonly ClassValue[]): boolean {
  return classes.every((value, place) => classKey(value) === String(place));
}

// --- labels

function readLabels(
  answers: ClassifierAnswers,
  { base, order, truth }: Wanted & { readonly base: readonly ClassValue[]; readonly truth: Int32Array },
): ReadLabels {
  const { name = '', type = 'BYTES', values = [] } = answers.label ?? {};
  const read = (placeOf: PlaceOf, labels: ReadLabels['labels']): ReadLabels | undefined => {
    const places = values.map(placeOf);
    if (places.includes(undefined)) return undefined;
    return { name, labels, placeOf, places: Int32Array.from(places, (place) => place ?? -1) };
  };
  const known = new Set(base.map(classKey));
  const byValue = read(
    placesByValue(base),
    values.every((value) => known.has(classKey(value))) ? undefined : 'spelled',
  );
  const byNumber = type === 'BYTES' ? undefined : read(placesByNumber(base.length), 'places');
  const isOpen = byValue !== undefined && byNumber !== undefined && type !== 'BOOL';
  const differs = isOpen && !sameList(byValue.places, byNumber.places);
  if (differs && order === undefined && isClearlyRighter(byNumber.places, byValue.places, truth))
    throw placesMeant(name, base);
  if (differs && order !== undefined && agreement(byNumber, answers, truth) >= agreement(byValue, answers, truth))
    return byNumber;
  const readable = byValue ?? (order === undefined ? undefined : byNumber);
  if (readable === undefined) throw strangeLabel(answers, base, order);
  return readable;
}

/**
 * Counts the rows on which a reading of the labels agrees with the probabilities in the given order or, without
 * probabilities, with the true classes.
 */
function agreement({ places }: ReadLabels, { probabilities }: ClassifierAnswers, truth: Int32Array): number {
  const other = probabilities === undefined ? truth : greatestColumns(probabilities);
  return places.filter((place, row) => place === other[row]).length;
}

function strangeLabel(
  answers: ClassifierAnswers,
  base: readonly ClassValue[],
  order: readonly ClassValue[] | undefined,
): PerennialError {
  const { name = '', values = [] } = answers.label ?? {};
  const placeOf = placesByValue(base);
  const strange = values.find((value) => placeOf(value) === undefined) ?? '';
  const said = `model.onnx answers ${JSON.stringify(String(strange).slice(0, 60))} in its output "${name}", which is not one of the classes of the training rows: ${listedClasses(base)}`;
  const isNumber = typeof strange !== 'string';
  const wayOut = !isNumber
    ? 'train on the values of the target as the data has them'
    : order === undefined
      ? `train on the values of the target as the data has them, or list the class of each number from 0, for example build.classes: ${yamlList(suggestedOrder(answers, base))}`
      : `build.classes lists ${base.length} classes, so a label must be a class or a whole number from 0 to ${base.length - 1}`;
  return new PerennialError(
    'artifact-invalid',
    `${said}; ${wayOut}. If "${name}" is not the output of the labels, set build.output to the name of the right one`,
    { output: name },
  );
}

/** Returns the order that fits best, to suggest it in a message. Without evidence this is the given order. */
function suggestedOrder(answers: ClassifierAnswers, base: readonly ClassValue[]): ClassValue[] {
  const byNumber = placesByNumber(base.length);
  const placeOf = placesByValue(base);
  const truth = Int32Array.from(answers.truth, (cell) => (cell === null ? -1 : (placeOf(cell) ?? -1)));
  const places = Int32Array.from(answers.label?.values ?? [], (value) => byNumber(value) ?? -1);
  return likeliestOrder(tableOf({ places, truth, classes: base.length }), base.length).map((own) => base[own] ?? '');
}

/**
 * Returns the error for labels that are indices. Labels can be ambiguous: for the classes 1, 2 and 3, the labels 1 and
 * 2 may be classes or the indices of 2 and 3.
 */
function placesMeant(output: string, base: readonly ClassValue[]): PerennialError {
  return new PerennialError(
    'artifact-invalid',
    `the rows show that the labels in the output "${output}" of model.onnx are indices, counted from 0, and not the classes ${listedClasses(base)} themselves: set build.classes: ${yamlList(base)}, or train on the values of the target as the data has them`,
    { output },
  );
}

// --- probabilities

/** Returns the order of the columns that the graph or the labels show, or undefined if neither shows an order. */
function evidenceOf(
  { probabilities }: ClassifierAnswers,
  label: ReadLabels | undefined,
  base: readonly ClassValue[],
  graph: Graph,
): ClassOrder | undefined {
  if (probabilities === undefined) return undefined;
  const byGraph = orderOf(classLabelsOf(graph, probabilities.name)?.map(label?.placeOf ?? placesByValue(base)), base);
  if (label === undefined) return byGraph;
  if (byGraph === undefined) return orderByLabels(probabilities, label, base.length);
  if (!contradicts(probabilities, label, byGraph)) return byGraph;
  throw new PerennialError(
    'artifact-invalid',
    `the labels of model.onnx do not match its probabilities: the columns of its output "${probabilities.name}" are ${listedClasses(byGraph.map((place) => base[place] ?? ''))}, but on most rows the label is not the class with the greatest probability; write both outputs from the same model`,
    { output: probabilities.name },
  );
}

/** Returns the places as an order if each class occurs once. */
function orderOf(
  places: readonly (number | undefined)[] | undefined,
  base: readonly ClassValue[],
): ClassOrder | undefined {
  const known = places?.filter((place) => place !== undefined);
  return known?.length === base.length && new Set(known).size === base.length ? known : undefined;
}

/** For two classes, an area under the ROC curve between these bounds shows no order. */
const [leastArea, mostArea] = [0.4, 0.6];

/** Matches each label to the column whose probability rises with it. Returns undefined if the rows show no order. */
function orderByLabels(probabilities: Probabilities, { places }: ReadLabels, classes: number): ClassOrder | undefined {
  if (classes === 2 && new Set(places).size === 2) return orderOfTwo(probabilities, places);
  const columns = greatestColumns(probabilities);
  const order = likeliestOrder(tableOf({ places: columns, truth: places, classes }), classes);
  const unseen = classes - new Set(columns).size;
  const isWhole = unseen <= 1 || order.every((own, place) => own === place);
  return isWhole && shareOf(columns, order, places) >= 0.5 ? order : undefined;
}

/** Compares ranks, because the model may use a threshold other than 0.5 for its label. */
function orderOfTwo(probabilities: Probabilities, places: Int32Array): ClassOrder | undefined {
  const { area } = rankArea(secondColumn(probabilities), places);
  if (area >= mostArea) return [0, 1];
  return area <= leastArea ? [1, 0] : undefined;
}

function contradicts(probabilities: Probabilities, { places }: ReadLabels, order: ClassOrder): boolean {
  if (order.length > 2) return shareOf(greatestColumns(probabilities), order, places) < 0.5;
  const found = orderOfTwo(probabilities, places);
  return found !== undefined && !sameList(found, order);
}

/**
 * Returns the share of rows whose label is the most probable class, if the columns stand for the classes in this order.
 */
function shareOf(columns: Int32Array, order: ClassOrder, places: Int32Array): number {
  return columns.filter((column, row) => order[column] === places[row]).length / places.length;
}

/**
 * Returns the column with the greatest probability in each row. A single column counts as class 1 if it exceeds one
 * half, else as class 0.
 */
function greatestColumns({ width, values }: Probabilities): Int32Array {
  return Int32Array.from({ length: values.length / width }, (_, row) => {
    if (width === 1) return (values[row] ?? 0) > 0.5 ? 1 : 0;
    let best = 0;
    for (let place = 1; place < width; place += 1)
      if ((values[row * width + place] ?? 0) > (values[row * width + best] ?? 0)) best = place;
    return best;
  });
}

function secondColumn({ width, values }: Probabilities): Float64Array {
  return width === 1 ? values : values.filter((_, at) => at % width === 1);
}

function refuseContradiction(
  { probabilities }: ClassifierAnswers,
  label: ReadLabels | undefined,
  base: readonly ClassValue[],
  own: ClassOrder,
): void {
  if (own.every((column, at) => column === at)) return;
  const found = own.map((place) => base[place] ?? '');
  const reason =
    label?.labels === 'places'
      ? `the labels of the model, read as indices into build.classes, match columns in the order ${listedClasses(found)}`
      : `the labels of the model show the order ${listedClasses(found)}; set build.classes: ${yamlList(found)}, or remove build.classes`;
  throw new PerennialError(
    'artifact-invalid',
    `the columns of the output "${probabilities?.name ?? ''}" of model.onnx are not in the order of build.classes (${listedClasses(base)}): ${reason}`,
    { output: probabilities?.name ?? '' },
  );
}

// --- the truth of the rows

function placedRows(
  { probabilities }: ClassifierAnswers,
  label: ReadLabels | undefined,
  truth: Int32Array,
  classes: number,
): PlacedRows {
  const places = label?.places ?? (probabilities && greatestColumns(probabilities)) ?? new Int32Array();
  return { places, truth, classes };
}

function untied({ probabilities }: ClassifierAnswers, base: readonly ClassValue[], rows: PlacedRows): PerennialError {
  const { name = '', width = 0 } = probabilities ?? {};
  const fitting =
    base.length === 2 && probabilities !== undefined
      ? rankArea(secondColumn(probabilities), rows.truth).area < 0.5
        ? [1, 0]
        : [0, 1]
      : likeliestOrder(tableOf(rows), base.length);
  const order = fitting.map((place) => base[place] ?? '');
  const columns =
    width === 1
      ? `to which class the single probability in its output "${name}" belongs`
      : `which column of its output "${name}" belongs to which class`;
  return new PerennialError(
    'artifact-invalid',
    `nothing in model.onnx shows ${columns} (${listedClasses(base)}): set the order, for example build.classes: ${yamlList(order)}${rows.truth.some((own) => own >= 0) ? ', which fits the rows best' : ''}, or add an output with the labels to the model`,
    { output: name },
  );
}

function refuseBetterOrder(
  { label, probabilities }: ClassifierAnswers,
  base: readonly ClassValue[],
  rows: PlacedRows,
): void {
  const isPair = base.length === 2 && probabilities !== undefined;
  const isSwapped = isPair && isClearlySwapped(secondColumn(probabilities), rows.truth);
  const better = isPair ? (isSwapped ? [1, 0] : undefined) : clearlyBetterOrder(rows);
  if (better === undefined) return;
  const order = better.map((place) => base[place] ?? '');
  const name = probabilities?.name ?? label?.name ?? '';
  throw new PerennialError(
    'artifact-invalid',
    `the rows fit another order of the classes clearly better than ${yamlList(base)}, the order in which the output "${name}" of model.onnx was read: set build.classes: ${yamlList(order)} if this is the order of the model's ${probabilities === undefined ? 'labels' : 'probabilities'}, or check whether the training swaps the classes`,
    { output: name },
  );
}

function sameList(one: ArrayLike<number>, other: ArrayLike<number>): boolean {
  return one.length === other.length && Array.from(one).every((value, at) => value === other[at]);
}
