import { classKey, sortedClasses } from '../../contracts/models/classes.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { Id } from '../../contracts/identifiers.ts';
import { isMeasurable } from '../../contracts/monitoring/label-value.ts';
import type { ClassValue, Signature } from '../../contracts/models/signature.ts';
import type { Sample } from '../../statistics/metrics/sample.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { signaturesOf } from './label-target-of.ts';
import type { Answering } from './sample-builder.ts';
import { sampleBuilder } from './sample-builder.ts';
import { shareAt } from './sample-of.ts';

/** Rows with answers and labels, read piece by piece, as often as needed. */
export interface ServedAnswers {
  readonly rows: number;
  pieces(): AsyncIterable<AnsweredPiece>;
}

export interface AnsweredPiece {
  readonly rows: number;
  versionOf(row: number): number;
  predictionOf(row: number): Cell;
  /** Returns the number of logged probabilities; 0 if there are none. */
  sharesOf(row: number): number;
  /** Returns one of the logged probabilities. */
  shareOf(row: number, place: number): number;
  labelOf(row: number): ClassValue | null;
}

/** Returns the answered rows that have a label as a sample for metrics; null if there are none. */
export async function servedSample(
  deps: Pick<ActivityDependencies, 'repositories'>,
  modelId: Id,
  configuration: Answering,
  answered: ServedAnswers,
): Promise<Sample | null> {
  const isAnswer = configuration.task === 'regression' ? isMeasurable : isThere;
  const known = await labelledIn(answered, isAnswer);
  if (known.rows === 0) return null;
  const isRegression = configuration.task === 'regression';
  const signatures = isRegression ? new Map<number, Signature>() : await signaturesOf(deps, modelId, known.versions);
  // Versions may know different classes. A class that a version does not know gets the probability 0.
  const classes = sortedClasses([...signatures.values()].flatMap((signature): ClassValue[] => signature.classes ?? []));
  const places = placesIn(signatures);
  const builder = sampleBuilder(configuration, { classes, others: [], withShares: known.haveShares }, known.rows);
  for await (const piece of answered.pieces())
    for (let row = 0; row < piece.rows; row += 1) {
      const [label, prediction] = [piece.labelOf(row), piece.predictionOf(row)];
      if (label === null || prediction === null || !isAnswer(prediction)) continue;
      builder.add(label, prediction, known.haveShares ? sharesIn(piece, row, places) : null);
    }
  return builder.sample();
}

function isThere(prediction: Cell): boolean {
  return prediction !== null;
}

interface Labelled {
  readonly rows: number;
  readonly versions: ReadonlySet<number>;
  /** Whether every labelled row has probabilities. */
  readonly haveShares: boolean;
}

async function labelledIn(answered: ServedAnswers, isAnswer: (prediction: Cell) => boolean): Promise<Labelled> {
  const versions = new Set<number>();
  let [rows, haveShares] = [0, true];
  for await (const piece of answered.pieces())
    for (let row = 0; row < piece.rows; row += 1) {
      if (piece.labelOf(row) === null || !isAnswer(piece.predictionOf(row))) continue;
      rows += 1;
      versions.add(piece.versionOf(row));
      if (piece.sharesOf(row) === 0) haveShares = false;
    }
  return { rows, versions, haveShares };
}

type Places = ReadonlyMap<number, ReadonlyMap<string, number>>;

/** Returns the places of the classes among the probabilities, by version and class key. */
function placesIn(signatures: ReadonlyMap<number, Signature>): Places {
  return new Map(
    [...signatures].map(([number, { classes = [] }]) => [
      number,
      new Map(classes.map((value, place) => [classKey(value), place])),
    ]),
  );
}

function sharesIn(piece: AnsweredPiece, row: number, places: Places): (key: string) => number {
  return (key) => {
    const place = places.get(piece.versionOf(row))?.get(key);
    if (place === undefined) return 0;
    return shareAt(place, piece.sharesOf(row), (column) => piece.shareOf(row, column));
  };
}
