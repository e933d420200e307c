import { sortedClasses } from '../../contracts/models/classes.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { LabelTarget } from '../../contracts/monitoring/label-value.ts';
import type { Task } from '../../contracts/models/metrics.ts';
import type { ClassValue, Signature } from '../../contracts/models/signature.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

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

/** Returns the signatures of versions, by number. */
export async function signaturesOf(
  deps: Pick<ActivityDependencies, 'repositories'>,
  modelId: Id,
  numbers: ReadonlySet<number>,
): Promise<ReadonlyMap<number, Signature>> {
  const versions = await Promise.all(
    [...numbers].map((number) => deps.repositories.versions.byNumber(modelId, number)),
  );
  return new Map(versions.map(({ number, signature }) => [number, signature]));
}
