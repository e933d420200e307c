import { StagedDataset } from '../../contracts/data/staged-dataset.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { StoringDependencies } from '../activity-dependencies.ts';
import { fetchFiles, readJson, storeJson, withWorkspace } from '../steps/workspace.ts';

/** Profiles every column over the whole staged dataset, unless `prepareDataset` did. */
export function createProfileDataset(deps: StoringDependencies): Activities['profileDataset'] {
  return async ({ staged }) => {
    const { manifest, profile: given } = await readJson(deps.objectStore, staged, StagedDataset);
    if (given !== null) return { profile: given };
    return withWorkspace(deps.scratchFolder, 'profile', async (folder) => {
      const paths = await fetchFiles(
        deps.objectStore,
        manifest.parts.map((part) => part.sha256),
        folder,
      );
      const profile = await deps.tableEngine.profile(paths, manifest.columns);
      return { profile: await storeJson(deps.objectStore, profile) };
    });
  };
}
