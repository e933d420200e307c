import { classKey, sortedClasses } from '../../contracts/models/classes.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { LabelTarget } from '../../contracts/monitoring/label-value.ts';
import { isMeasurable } from '../../contracts/monitoring/label-value.ts';
import type { Task } from '../../contracts/models/metrics.ts';
import type { ClassValue, Signature } from '../../contracts/models/signature.ts';
import type { ServedRows } from '../../ports/table-engine.ts';
import type { Sample } from '../../statistics/metrics/sample.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import type { ProbabilityOf } from './sample-of.ts';
import { sampleOf, shareAt } from './sample-of.ts';

type Answered = Pick<ServedRows, 'predictions' | 'probabilities' | 'modelVersions' | 'labels'>;

/** Returns the answered rows that have a label as a sample for metrics; null if there are none. */
export async function servedSample(
  deps: Pick<ActivityDependencies, 'repositories'>,
  modelId: Id,
  configuration: Pick<Configuration, 'task' | 'build'>,
  served: Answered,
): Promise<Sample | null> {
  const isAnswer = configuration.task === 'regression' ? isMeasurable : isThere;
  const labelled = served.labels.flatMap((label, row) =>
    label === null || !isAnswer(served.predictions[row]) ? [] : [{ row, label }],
  );
  if (labelled.length === 0) return null;
  const rows = labelled.map(({ row }) => row);
  const truth = labelled.map(({ label }) => label);
  const values = rows.map((row) => served.predictions[row] ?? Number.NaN);
  if (configuration.task === 'regression') return sampleOf(configuration, { truth, values, probabilityOf: null }, []);
  const signatures = await signaturesOf(deps, modelId, new Set(rows.map((row) => served.modelVersions[row] ?? 0)));
  // Versions may know different classes. A class that a version does not know gets the probability 0.
  const classes = sortedClasses([...signatures.values()].flatMap((signature): ClassValue[] => signature.classes ?? []));
  return sampleOf(configuration, { truth, values, probabilityOf: probabilityIn(served, rows, signatures) }, classes);
}

function isThere(prediction: ClassValue | null | undefined): boolean {
  return prediction !== null && prediction !== undefined;
}

/**
 * Labels may also be classes of this many newest versions, because a class may be newer than the version that answered.
 */
const newestVersions = 20;

/** Returns which values the labels of predictions by these versions may have. */
export async function labelTargetOf(
  deps: Pick<ActivityDependencies, 'repositories'>,
  modelId: Id,
  task: Task,
  versions: Iterable<number>,
): Promise<LabelTarget> {
  if (task === 'regression') return { kind: 'number' };
  const answering = await signaturesOf(deps, modelId, new Set(versions));
  const newest = (await deps.repositories.versions.list(modelId, { limit: newestVersions })).items;
  const signatures = [...answering.values(), ...newest.map(({ signature }) => signature)];
  const classes = sortedClasses(signatures.flatMap((signature): ClassValue[] => signature.classes ?? []));
  return classes.length === 0 ? { kind: 'any' } : { kind: 'class', classes };
}

async function signaturesOf(
  deps: Pick<ActivityDependencies, 'repositories'>,
  modelId: Id,
  numbers: ReadonlySet<number>,
): Promise<ReadonlyMap<number, Signature>> {
  const versions = await Promise.all(
    [...numbers].map((number) => deps.repositories.versions.byNumber(modelId, number)),
  );
  return new Map(versions.map(({ number, signature }) => [number, signature]));
}

function probabilityIn(
  { probabilities, modelVersions }: Answered,
  rows: readonly number[],
  signatures: ReadonlyMap<number, Signature>,
): ProbabilityOf | null {
  if (rows.some((row) => (probabilities[row] ?? null) === null)) return null;
  const placesOf = new Map(
    [...signatures].map(([number, { classes = [] }]) => [
      number,
      new Map(classes.map((value, place) => [classKey(value), place])),
    ]),
  );
  return (at, key) => {
    const row = rows[at] ?? 0;
    const place = placesOf.get(modelVersions[row] ?? 0)?.get(key);
    const given = probabilities[row] ?? [];
    return place === undefined ? 0 : shareAt(place, given.length, (column) => given[column] ?? 0);
  };
}
