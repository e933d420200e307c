import { join } from 'node:path';
import type { BuildPlan } from '../../../contracts/models/build-plan.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { ModelVersion } from '../../../contracts/models/model-version.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { carriedColumns, partsWithin } from '../training/resolve-build.ts';
import { fetchFiles } from '../../steps/workspace.ts';

interface Held {
  readonly plan: BuildPlan;
  /** Only `configurationId` is needed: that configuration tells which columns were stored with the held-out rows. */
  readonly version: Pick<ModelVersion, 'configurationId'>;
}

/**
 * Writes the held-out rows of a plan to a file in the folder. They are stored with the columns that the version and its
 * gates need. If the champion or newer gates need other columns, the same rows are extracted from the dataset again.
 */
export async function heldOutRows(
  deps: ActivityDependencies,
  { plan, version }: Held,
  columns: readonly string[],
  folder: string,
): Promise<string> {
  const { configuration } = await deps.repositories.models.configuration(version.configurationId);
  const { features, target } = plan.trainingKeyParts;
  const stored = new Set(['_at', ...features, target, ...carriedColumns(configuration)]);
  const others = columns.filter((name) => !stored.has(name));
  const path = join(folder, 'holdout.parquet');
  if (others.length === 0) await deps.objectStore.getFile(plan.holdout, path);
  else await cutAgain(deps, plan, { carried: [...carriedColumns(configuration), ...others], path, folder });
  return path;
}

async function cutAgain(
  deps: ActivityDependencies,
  plan: BuildPlan,
  { carried, path, folder }: { readonly carried: readonly string[]; readonly path: string; readonly folder: string },
): Promise<void> {
  const { from, to, holdout } = plan.trained;
  if (holdout.kind === 'none')
    throw new PerennialError('internal', 'the build plan has no held-out rows, so nothing can be measured', {});
  const dataset = await deps.repositories.datasets.get(plan.datasetVersionId);
  const { configuration } = await deps.repositories.models.configuration(plan.configurationId);
  const { data } = configuration;
  const parts = await fetchFiles(deps.objectStore, partsWithin(dataset, from, to), join(folder, 'parts'));
  const { features, target } = plan.trainingKeyParts;
  await deps.tableEngine.splitWindow({
    parts,
    ...(data.timestamp === undefined ? {} : { from, to }),
    holdout,
    features,
    target,
    carried,
    ...(data.key === undefined ? {} : { key: data.key }),
    trainPath: join(folder, 'train.parquet'),
    holdoutPath: path,
  });
}
