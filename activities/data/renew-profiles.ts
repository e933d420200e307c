import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { StoringDependencies } from '../activity-dependencies.ts';
import { profileInFull } from './profile-dataset.ts';

export type RenewingDependencies = Pick<
  StoringDependencies,
  'repositories' | 'objectStore' | 'tableEngine' | 'scratchFolder' | 'logger'
>;

/**
 * Profiles every data head in full whose profile is partly that of an earlier version. Each head is renewed by itself,
 * so what was done before an interruption stays. After `atMostMs`, begins no other; a later call goes on.
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
