import { PermutationImportance } from '../../contracts/models/importance.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { readJson } from '../steps/workspace.ts';
import type { ImportanceShares } from './arrange-drift.ts';

/**
 * Returns each feature's share of the champion's permutation importance. If shuffling a feature does not
 * worsen the metric, its share is 0. Returns null if the importance was not measured for every feature.
 */
export async function importanceSharesOf(
  deps: Pick<ActivityDependencies, 'repositories' | 'objectStore'>,
  scope: Scope,
  modelVersionId: Id,
): Promise<ImportanceShares> {
  const evaluation = await deps.repositories.evaluations.latest(scope, modelVersionId);
  const digest = evaluation?.body.importance;
  if (digest === undefined) return null;
  const { features, left } = await readJson(deps.objectStore, digest, PermutationImportance);
  const harm = features.map(({ name, mean }) => ({ name, harm: Math.max(0, mean) }));
  const total = harm.reduce((sum, feature) => sum + feature.harm, 0);
  if (left.length > 0 || !(total > 0)) return null;
  return new Map(harm.map((feature) => [feature.name, feature.harm / total]));
}
