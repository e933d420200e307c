import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { StoringDependencies } from '../activity-dependencies.ts';
import { profileInFull } from './profile-dataset.ts';

export type RenewingDependencies = Pick<
  StoringDependencies,
  'repositories' | 'objectStore' | 'tableEngine' | 'scratchFolder' | 'logger'
>;

/**
 * Makes full profiles of the data heads whose profile partly comes from an earlier version. Each profile is recorded as
 * soon as it is made, so an interruption loses at most one. After `atMostMs` no further head is begun, and the next call
 * continues.
 */
export async function renewProfiles(deps: RenewingDependencies, atMostMs: number): Promise<void> {
  const { datasets } = deps.repositories;
  const end = performance.now() + atMostMs;
  let head = await datasets.partlyProfiled(null);
  while (head !== undefined && performance.now() < end) {
    const { id, number, modelId } = head;
    try {
      await datasets.recordFullProfile(id, await profileInFull(deps, head.manifest));
    } catch (caught) {
      if (caught instanceof PerennialError && caught.code === 'cancelled') throw caught;
      deps.logger.warn(
        { modelId, number, reason: reasonOf(caught) },
        'a dataset could not be profiled in full; the next garbage collection tries again',
      );
    }
    head = await datasets.partlyProfiled(id);
  }
}
