import type { DatasetManifest, DatasetProfile } from '../../contracts/data/dataset-version.ts';
import { StagedDataset } from '../../contracts/data/staged-dataset.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { StoringDependencies } from '../activity-dependencies.ts';
import { fetchFiles, readJson, storeJson, withWorkspace } from '../steps/workspace.ts';

/** Profiles every column over the whole staged dataset, unless `prepareDataset` did. */
export function createProfileDataset(deps: StoringDependencies): Activities['profileDataset'] {
  return async ({ staged }) => {
    const { manifest, profile: given } = await readJson(deps.objectStore, staged, StagedDataset);
    if (given !== null) return { profile: given };
    return { profile: await storeJson(deps.objectStore, await profileInFull(deps, manifest)) };
  };
}

/** Profiles every column over all rows of a dataset. */
export async function profileInFull(
  {
    objectStore,
    tableEngine,
    scratchFolder,
  }: Pick<StoringDependencies, 'objectStore' | 'tableEngine' | 'scratchFolder'>,
  { parts, columns }: DatasetManifest,
): Promise<DatasetProfile> {
  return withWorkspace(scratchFolder, 'profile', async (folder) => {
    const digests = parts.map(({ sha256 }) => sha256);
    return tableEngine.profile(await fetchFiles(objectStore, digests, folder), columns);
  });
}
